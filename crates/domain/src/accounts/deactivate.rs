//! Use-case: deactivating a user.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::UsersWrite;
use crate::accounts::{AccountRepository, LastAdmin, User};
use crate::audit::{AuditAction, AuditReason, AuditTrail};
use crate::common::{Error, UserId};
use crate::ports::{Ports, RequiredPorts};

/// Why no account was deactivated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeactivateUserError {
    /// Nobody has the id.
    #[error("no such user")]
    NotFound,
    /// It is the account of the last active administrator. Without one, nobody could activate
    /// accounts.
    #[error("the last active administrator cannot be deactivated")]
    LastAdmin,
}

/// Deactivates an account, also the caller's own. Its sessions end, its tokens no longer work, and
/// its user cannot log in. Idempotent.
#[non_exhaustive]
pub struct DeactivateUser {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// Takes the failures.
    pub trail: Arc<dyn AuditTrail>,
}

impl DeactivateUser {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        let RequiredPorts { accounts, audit_trail, .. } = &ports.required;
        Self { accounts: accounts.clone(), trail: audit_trail.clone() }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`DeactivateUserError`].
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersWrite>,
        id: UserId,
    ) -> Result<User, Error<DeactivateUserError>> {
        let context = allowed.context();
        let user = match self.accounts.deactivate(id, context.clone()).await {
            Ok(user) => user.ok_or(Error::Refused(DeactivateUserError::NotFound))?,
            Err(Error::Refused(LastAdmin)) => {
                let event = context.clone().event(AuditAction::DeactivationFailed).on(id);
                self.trail.note(event.because(AuditReason::LastAdmin));
                return Err(Error::Refused(DeactivateUserError::LastAdmin));
            }
            Err(Error::Port(error)) => return Err(error.into()),
        };
        tracing::info!(event = "user_deactivated", user_id = %id, by = %allowed.caller());
        Ok(user)
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::accounts::MockAccountRepository;
    use crate::testing::{self, Trail, USER};

    async fn deactivate(
        result: Result<Option<User>, Error<LastAdmin>>,
    ) -> (Result<User, Error<DeactivateUserError>>, Arc<Trail>) {
        let mut accounts = MockAccountRepository::new();
        accounts
            .expect_deactivate()
            .with(eq(USER), eq(testing::context_of_admin(9)))
            .times(1)
            .return_once(|_, _| result);
        let trail = Arc::new(Trail::default());
        let use_case = DeactivateUser { accounts: Arc::new(accounts), trail: trail.clone() };
        (use_case.execute(&testing::allowed(9), USER).await, trail)
    }

    #[tokio::test]
    async fn an_administrator_deactivates() {
        let (user, trail) = deactivate(Ok(Some(testing::user()))).await;
        assert_eq!(user.unwrap(), testing::user());
        trail.has([]);
        assert!(matches!(
            deactivate(Ok(None)).await.0,
            Err(Error::Refused(DeactivateUserError::NotFound))
        ));
    }

    #[tokio::test]
    async fn z6_the_last_administrator_stays() {
        let (result, trail) = deactivate(Err(Error::Refused(LastAdmin))).await;
        assert!(matches!(result, Err(Error::Refused(DeactivateUserError::LastAdmin))));
        trail.has([(AuditAction::DeactivationFailed, AuditReason::LastAdmin)]);
    }
}
