//! Use-case: activating a user.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::UsersWrite;
use crate::accounts::{AccountRepository, DeletionScheduled, User, UserNotFound};
use crate::common::{Error, UserId};
use crate::ports::Ports;

/// Why no account was activated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActivateUserError {
    /// Nobody has the id.
    #[error(transparent)]
    NotFound(#[from] UserNotFound),
    /// It is to be deleted: it has to be restored instead.
    #[error(transparent)]
    DeletionScheduled(#[from] DeletionScheduled),
}

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
    /// See [`ActivateUserError`].
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersWrite>,
        id: UserId,
    ) -> Result<User, Error<ActivateUserError>> {
        let user = self.accounts.activate(id, allowed.context().clone()).await;
        let user = user.map_err(Error::cast)?.ok_or(Error::Refused(UserNotFound.into()))?;
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

    async fn activate(
        found: Result<Option<User>, Error<DeletionScheduled>>,
    ) -> Result<User, Error<ActivateUserError>> {
        let mut accounts = MockAccountRepository::new();
        accounts
            .expect_activate()
            .with(eq(USER), eq(testing::context_of_admin(9)))
            .times(1)
            .return_once(|_, _| found);
        let use_case = ActivateUser { accounts: Arc::new(accounts) };
        use_case.execute(&testing::allowed(9), USER).await
    }

    #[tokio::test]
    async fn an_administrator_activates() {
        assert_eq!(activate(Ok(Some(testing::user()))).await.unwrap(), testing::user());
        let nobody = activate(Ok(None)).await;
        let expected = ActivateUserError::NotFound(UserNotFound);
        assert!(matches!(nobody, Err(Error::Refused(error)) if error == expected));
    }

    #[tokio::test]
    async fn a8_what_is_to_be_deleted_is_restored_instead() {
        let refused = activate(Err(Error::Refused(DeletionScheduled))).await;
        let expected = ActivateUserError::DeletionScheduled(DeletionScheduled);
        assert!(matches!(refused, Err(Error::Refused(error)) if error == expected));
    }
}
