//! Use-case: activating a user.

use std::sync::Arc;

use crate::access::{AdminGuard, Forbidden, Principal};
use crate::accounts::{AccountRepository, User};
use crate::common::{PortError, RequestContext, UserId};

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
    pub users: Arc<dyn AccountRepository>,
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
        request: RequestContext,
    ) -> Result<User, ActivateUserError> {
        let context = self.admins.admit(caller, request)?;
        let user = self.users.activate(id, context).await?;
        let user = user.ok_or(ActivateUserError::NotFound)?;
        tracing::info!(event = "user_activated", user_id = %id, by = %caller.user.id);
        Ok(user)
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::accounts::MockAccountRepository;
    use crate::testing::{self, USER};

    async fn activate(found: Option<User>) -> Result<User, ActivateUserError> {
        let mut users = MockAccountRepository::new();
        users
            .expect_activate()
            .with(eq(USER), eq(testing::act_of_admin(9)))
            .times(1)
            .return_once(|_, _| Ok(found));
        let (admins, _) = testing::admin_guard(9);
        let use_case = ActivateUser { users: Arc::new(users), admins };
        use_case.execute(&testing::admin(), USER, testing::request()).await
    }

    #[tokio::test]
    async fn an_administrator_activates() {
        assert_eq!(activate(Some(testing::user())).await.unwrap(), testing::user());
        assert!(matches!(activate(None).await, Err(ActivateUserError::NotFound)));
    }

    #[tokio::test]
    async fn e5_others_are_refused_before_the_store_is_asked() {
        let (admins, _) = testing::admin_guard(9);
        let use_case = ActivateUser { users: Arc::new(MockAccountRepository::new()), admins };
        let result = use_case.execute(&testing::principal(), USER, testing::request()).await;
        assert!(matches!(result, Err(ActivateUserError::Forbidden(_))));
    }
}
