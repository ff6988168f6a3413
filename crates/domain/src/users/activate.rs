use std::sync::Arc;

use super::AdminGuard;
use crate::entities::{Forbidden, Principal, User};
use crate::ports::{PortError, UserRepository};
use crate::values::{Origin, UserId};

/// Why no account was activated.
#[derive(Debug, thiserror::Error)]
pub enum ActivateUserError {
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

/// Lets an administrator activate an account, which also lifts the lock of too many failed log-ins.
/// Idempotent.
pub struct ActivateUser {
    /// The accounts.
    pub users: Arc<dyn UserRepository>,
    /// Lets administrators through.
    pub admins: Arc<AdminGuard>,
}

impl ActivateUser {
    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`ActivateUserError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        id: UserId,
        origin: Origin,
    ) -> Result<User, ActivateUserError> {
        let act = self.admins.admit(caller, origin)?;
        let user = self.users.activate(id, act).await?;
        let user = user.ok_or(ActivateUserError::NotFound)?;
        tracing::info!(event = "user_activated", user_id = %id, by = %caller.user.id);
        Ok(user)
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::ports::MockUserRepository;
    use crate::testing::{self, USER};

    async fn activate(found: Option<User>) -> Result<User, ActivateUserError> {
        let mut users = MockUserRepository::new();
        users
            .expect_activate()
            .with(eq(USER), eq(testing::act_of_admin(9)))
            .times(1)
            .return_once(|_, _| Ok(found));
        let (admins, _) = testing::admin_guard(9);
        let use_case = ActivateUser { users: Arc::new(users), admins };
        use_case.execute(&testing::admin(), USER, testing::origin()).await
    }

    #[tokio::test]
    async fn an_administrator_activates() {
        assert_eq!(activate(Some(testing::user())).await.unwrap(), testing::user());
        assert!(matches!(activate(None).await, Err(ActivateUserError::NotFound)));
    }

    #[tokio::test]
    async fn e5_others_are_refused_before_the_store_is_asked() {
        let (admins, _) = testing::admin_guard(9);
        let use_case = ActivateUser { users: Arc::new(MockUserRepository::new()), admins };
        let result = use_case.execute(&testing::principal(), USER, testing::origin()).await;
        assert!(matches!(result, Err(ActivateUserError::Forbidden(_))));
    }
}
