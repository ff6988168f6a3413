use std::sync::Arc;

use crate::entities::{Forbidden, Principal, User};
use crate::ports::{Clock, PortError, UserRepository};
use crate::values::UserId;

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
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl ActivateUser {
    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`ActivateUserError`].
    pub async fn execute(&self, caller: &Principal, id: UserId) -> Result<User, ActivateUserError> {
        caller.require_admin()?;
        let user = self.users.activate(id, self.clock.now()).await?;
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
    use crate::testing::{self, USER, at};

    async fn activate(found: Option<User>) -> Result<User, ActivateUserError> {
        let mut users = MockUserRepository::new();
        users.expect_activate().with(eq(USER), eq(at(9))).times(1).return_once(|_, _| Ok(found));
        let use_case = ActivateUser { users: Arc::new(users), clock: testing::clock(9) };
        use_case.execute(&testing::admin(), USER).await
    }

    #[tokio::test]
    async fn an_administrator_activates() {
        assert_eq!(activate(Some(testing::user())).await.unwrap(), testing::user());
        assert!(matches!(activate(None).await, Err(ActivateUserError::NotFound)));
    }

    #[tokio::test]
    async fn e5_others_are_refused_before_the_store_is_asked() {
        let use_case =
            ActivateUser { users: Arc::new(MockUserRepository::new()), clock: testing::clock(9) };
        let result = use_case.execute(&testing::principal(), USER).await;
        assert!(matches!(result, Err(ActivateUserError::Forbidden(_))));
    }
}
