//! Use-case: deactivating a user.

use std::sync::Arc;

use crate::access::{AdminGuard, Forbidden, Principal};
use crate::accounts::{AccountRepository, DeactivateError, User};
use crate::audit::{AuditAction, AuditReason};
use crate::common::{PortError, RequestContext, UserId};

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
    pub users: Arc<dyn AccountRepository>,
    /// Lets administrators through.
    pub admins: Arc<AdminGuard>,
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
        request: RequestContext,
    ) -> Result<User, DeactivateUserError> {
        let context = self.admins.admit(caller, request)?;
        let user = match self.users.deactivate(id, context.clone()).await {
            Ok(user) => user.ok_or(DeactivateUserError::NotFound)?,
            Err(DeactivateError::LastAdmin) => {
                let event = context.event(AuditAction::DeactivationFailed).on(id);
                self.admins.trail.note(event.because(AuditReason::LastAdmin));
                return Err(DeactivateUserError::LastAdmin);
            }
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
    use crate::accounts::MockAccountRepository;
    use crate::testing::{self, Trail, USER};

    async fn deactivate(
        result: Result<Option<User>, DeactivateError>,
    ) -> (Result<User, DeactivateUserError>, Arc<Trail>) {
        let mut users = MockAccountRepository::new();
        users
            .expect_deactivate()
            .with(eq(USER), eq(testing::act_of_admin(9)))
            .times(1)
            .return_once(|_, _| result);
        let (admins, trail) = testing::admin_guard(9);
        let use_case = DeactivateUser { users: Arc::new(users), admins };
        (use_case.execute(&testing::admin(), USER, testing::request()).await, trail)
    }

    #[tokio::test]
    async fn an_administrator_deactivates() {
        let (user, trail) = deactivate(Ok(Some(testing::user()))).await;
        assert_eq!(user.unwrap(), testing::user());
        trail.has([]);
        assert!(matches!(deactivate(Ok(None)).await.0, Err(DeactivateUserError::NotFound)));
    }

    #[tokio::test]
    async fn z6_the_last_administrator_stays() {
        let (result, trail) = deactivate(Err(DeactivateError::LastAdmin)).await;
        assert!(matches!(result, Err(DeactivateUserError::LastAdmin)));
        trail.has([(AuditAction::DeactivationFailed, AuditReason::LastAdmin)]);
    }

    #[tokio::test]
    async fn e5_others_are_refused_before_the_store_is_asked() {
        let (admins, _) = testing::admin_guard(9);
        let use_case = DeactivateUser { users: Arc::new(MockAccountRepository::new()), admins };
        let result = use_case.execute(&testing::principal(), USER, testing::request()).await;
        assert!(matches!(result, Err(DeactivateUserError::Forbidden(_))));
    }
}
