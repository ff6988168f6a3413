//! Use-case: activating a user.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::UsersWrite;
use crate::accounts::{AccountRepository, User, UserNotFound};
use crate::common::{Error, UserId};
use crate::ports::Ports;

/// Activates an account, which also clears its lockout. Idempotent.
#[non_exhaustive]
pub struct ActivateUser {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
}

impl ActivateUser {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { accounts: ports.required.accounts.clone() }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// [`UserNotFound`]: nobody has the id.
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersWrite>,
        id: UserId,
    ) -> Result<User, Error<UserNotFound>> {
        let user = self.accounts.activate(id, allowed.context().clone()).await?;
        let user = user.ok_or(Error::Refused(UserNotFound))?;
        tracing::info!(event = "user_activated", user_id = %id, by = %allowed.caller());
        Ok(user)
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::accounts::MockAccountRepository;
    use crate::testing::{self, USER};

    async fn activate(found: Option<User>) -> Result<User, Error<UserNotFound>> {
        let mut accounts = MockAccountRepository::new();
        accounts
            .expect_activate()
            .with(eq(USER), eq(testing::context_of_admin(9)))
            .times(1)
            .return_once(|_, _| Ok(found));
        let use_case = ActivateUser { accounts: Arc::new(accounts) };
        use_case.execute(&testing::allowed(9), USER).await
    }

    #[tokio::test]
    async fn an_administrator_activates() {
        assert_eq!(activate(Some(testing::user())).await.unwrap(), testing::user());
        assert!(matches!(activate(None).await, Err(Error::Refused(UserNotFound))));
    }
}
