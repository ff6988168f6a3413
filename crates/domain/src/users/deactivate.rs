use std::sync::Arc;

use crate::entities::{Forbidden, Principal, User};
use crate::ports::{Clock, DeactivateError, PortError, UserRepository};
use crate::values::UserId;

/// Why no account was deactivated.
#[derive(Debug, thiserror::Error)]
pub enum DeactivateUserError {
    /// The caller is no administrator.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Nobody has the id.
    #[error("no such user")]
    NotFound,
    /// It is the last active administrator's: nobody could let anybody in again.
    #[error("the last active administrator cannot be deactivated")]
    LastAdmin,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Lets an administrator deactivate an account, their own included: its sessions end, its tokens
/// are dead, it cannot log in. Idempotent.
pub struct DeactivateUser {
    /// The accounts.
    pub users: Arc<dyn UserRepository>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl DeactivateUser {
    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`DeactivateUserError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        id: UserId,
    ) -> Result<User, DeactivateUserError> {
        caller.require_admin()?;
        let user = match self.users.deactivate(id, self.clock.now()).await {
            Ok(user) => user.ok_or(DeactivateUserError::NotFound)?,
            Err(DeactivateError::LastAdmin) => return Err(DeactivateUserError::LastAdmin),
            Err(DeactivateError::Port(error)) => return Err(error.into()),
        };
        tracing::info!(event = "user_deactivated", user_id = %id, by = %caller.user.id);
        Ok(user)
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::ports::MockUserRepository;
    use crate::testing::{self, USER, at};

    async fn deactivate(
        result: Result<Option<User>, DeactivateError>,
    ) -> Result<User, DeactivateUserError> {
        let mut users = MockUserRepository::new();
        users.expect_deactivate().with(eq(USER), eq(at(9))).times(1).return_once(|_, _| result);
        let use_case = DeactivateUser { users: Arc::new(users), clock: testing::clock(9) };
        use_case.execute(&testing::admin(), USER).await
    }

    #[tokio::test]
    async fn an_administrator_deactivates() {
        assert_eq!(deactivate(Ok(Some(testing::user()))).await.unwrap(), testing::user());
        assert!(matches!(deactivate(Ok(None)).await, Err(DeactivateUserError::NotFound)));
    }

    #[tokio::test]
    async fn z6_the_last_administrator_stays() {
        let result = deactivate(Err(DeactivateError::LastAdmin)).await;
        assert!(matches!(result, Err(DeactivateUserError::LastAdmin)));
    }

    #[tokio::test]
    async fn e5_others_are_refused_before_the_store_is_asked() {
        let use_case =
            DeactivateUser { users: Arc::new(MockUserRepository::new()), clock: testing::clock(9) };
        let result = use_case.execute(&testing::principal(), USER).await;
        assert!(matches!(result, Err(DeactivateUserError::Forbidden(_))));
    }
}
