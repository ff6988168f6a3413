//! Use-case: clearing the lock-out of an account.

use std::sync::Arc;

use crate::access::{AdminGuard, Forbidden, Principal};
use crate::accounts::AccountRepository;
use crate::common::{PortError, RequestContext, UserId};
use crate::lockout::LockoutRepository;

/// Why no lock was lifted.
#[derive(Debug, thiserror::Error)]
pub enum ClearLockoutError {
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
pub struct ClearLockout {
    /// The accounts.
    pub users: Arc<dyn AccountRepository>,
    /// The counts.
    pub lockouts: Arc<dyn LockoutRepository>,
    /// Lets administrators through.
    pub admins: Arc<AdminGuard>,
}

impl ClearLockout {
    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`ClearLockoutError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        id: UserId,
        request: RequestContext,
    ) -> Result<(), ClearLockoutError> {
        let context = self.admins.admit(caller, request)?;
        // No account is ever deleted: who is found here is there below.
        self.users.find(id).await?.ok_or(ClearLockoutError::NotFound)?;
        if self.lockouts.forget(id, context).await? {
            tracing::info!(event = "lock_lifted", user_id = %id, by = %caller.user.id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::accounts::{MockAccountRepository, User};
    use crate::lockout::MockLockoutRepository;
    use crate::testing::{self, USER};

    async fn lift(
        caller: Principal,
        found: Option<User>,
        lockouts: MockLockoutRepository,
    ) -> Result<(), ClearLockoutError> {
        let mut users = MockAccountRepository::new();
        if caller.user.is_superuser() {
            users.expect_find().with(eq(USER)).return_once(|_| Ok(found));
        }
        let (admins, _) = testing::admin_guard(9);
        let use_case =
            ClearLockout { users: Arc::new(users), lockouts: Arc::new(lockouts), admins };
        use_case.execute(&caller, USER, testing::request()).await
    }

    #[tokio::test]
    async fn an_administrator_lifts_a_lock_and_lifting_it_twice_is_fine() {
        for locked in [true, false] {
            let mut lockouts = MockLockoutRepository::new();
            lockouts
                .expect_forget()
                .with(eq(USER), eq(testing::act_of_admin(9)))
                .times(1)
                .return_once(move |_, _| Ok(locked));
            lift(testing::admin(), Some(testing::user()), lockouts).await.unwrap();
        }
    }

    #[tokio::test]
    async fn nobodys_lock_is_not_lifted_and_others_may_not() {
        let result = lift(testing::admin(), None, MockLockoutRepository::new()).await;
        assert!(matches!(result, Err(ClearLockoutError::NotFound)));
        let result = lift(testing::principal(), None, MockLockoutRepository::new()).await;
        assert!(matches!(result, Err(ClearLockoutError::Forbidden(_))));
    }
}
