use std::sync::Arc;

use super::AdminGuard;
use crate::entities::{Forbidden, Principal};
use crate::ports::{LoginThrottle, PortError, UserRepository};
use crate::values::{Origin, UserId};

/// Why no lock was lifted.
#[derive(Debug, thiserror::Error)]
pub enum LiftLockError {
    /// The caller is no administrator.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Nobody has the id.
    #[error("no such user")]
    NotFound,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Lets an administrator forget the failed log-ins of an account, active or not. Idempotent.
pub struct LiftLock {
    /// The accounts.
    pub users: Arc<dyn UserRepository>,
    /// The counts.
    pub throttle: Arc<dyn LoginThrottle>,
    /// Lets administrators through.
    pub admins: Arc<AdminGuard>,
}

impl LiftLock {
    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`LiftLockError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        id: UserId,
        origin: Origin,
    ) -> Result<(), LiftLockError> {
        let act = self.admins.admit(caller, origin)?;
        // No account is ever deleted: who is found here is there below.
        self.users.find(id).await?.ok_or(LiftLockError::NotFound)?;
        if self.throttle.forget(id, act).await? {
            tracing::info!(event = "lock_lifted", user_id = %id, by = %caller.user.id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::entities::User;
    use crate::ports::{MockLoginThrottle, MockUserRepository};
    use crate::testing::{self, USER};

    async fn lift(
        caller: Principal,
        found: Option<User>,
        throttle: MockLoginThrottle,
    ) -> Result<(), LiftLockError> {
        let mut users = MockUserRepository::new();
        if caller.user.is_superuser() {
            users.expect_find().with(eq(USER)).return_once(|_| Ok(found));
        }
        let (admins, _) = testing::admin_guard(9);
        let use_case = LiftLock { users: Arc::new(users), throttle: Arc::new(throttle), admins };
        use_case.execute(&caller, USER, testing::origin()).await
    }

    #[tokio::test]
    async fn an_administrator_lifts_a_lock_and_lifting_it_twice_is_fine() {
        for locked in [true, false] {
            let mut throttle = MockLoginThrottle::new();
            throttle
                .expect_forget()
                .with(eq(USER), eq(testing::act_of_admin(9)))
                .times(1)
                .return_once(move |_, _| Ok(locked));
            lift(testing::admin(), Some(testing::user()), throttle).await.unwrap();
        }
    }

    #[tokio::test]
    async fn nobodys_lock_is_not_lifted_and_others_may_not() {
        let result = lift(testing::admin(), None, MockLoginThrottle::new()).await;
        assert!(matches!(result, Err(LiftLockError::NotFound)));
        let result = lift(testing::principal(), None, MockLoginThrottle::new()).await;
        assert!(matches!(result, Err(LiftLockError::Forbidden(_))));
    }
}
