//! Use-case: deleting one's own account.

use std::sync::Arc;

use crate::access::Principal;
use crate::accounts::{Authority, ChangeUser, ChangeUserError, ManageUserError, User};
use crate::audit::AuditContext;
use crate::common::{Clock, Error, RequestContext};
use crate::credentials::{CandidatePassword, PasswordPrompt, PromptError};
use crate::lockout::PromptPurpose;
use crate::mfa::FactorCode;
use crate::ports::{Policy, Ports};

/// Why one's own account is not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeleteOwnAccountError {
    /// The password was not accepted.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// It is the account of the last administrator who can log in.
    #[error("it is the account of the last administrator who can log in")]
    LastAdmin,
}

/// Deletes the caller's own account, after the password was given again, and a code where there is a second factor. It is what an administrator
/// does ([`ChangeUser::delete`]): it can be restored for a while.
#[non_exhaustive]
pub struct DeleteOwnAccount {
    /// Deletes.
    pub change: ChangeUser,
    /// Asks the owner for the password.
    pub prompt: PasswordPrompt,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl DeleteOwnAccount {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        Self {
            change: ChangeUser::new(ports, policy),
            prompt: PasswordPrompt::new(ports, policy),
            clock: ports.required.clock.clone(),
        }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`DeleteOwnAccountError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        current: &CandidatePassword,
        code: Option<&FactorCode>,
        request: RequestContext,
    ) -> Result<User, Error<DeleteOwnAccountError>> {
        let purpose = PromptPurpose::Deletion;
        let asked = self.prompt.ask(caller, purpose, current, code, request.clone()).await;
        asked.map_err(Error::cast)?;
        let context = AuditContext::by(caller, self.clock.now(), request);
        let authority = Authority::over_oneself(context);
        match self.change.delete_by(caller.user.id, authority).await {
            Err(Error::Refused(ManageUserError::Refused(ChangeUserError::LastAdmin(_)))) => {
                Err(Error::Refused(DeleteOwnAccountError::LastAdmin))
            }
            // The account is gone. Whatever else may be refused to others is not refused to the owner.
            Err(Error::Refused(_)) => Err(Error::Refused(PromptError::Stale.into())),
            Err(Error::Port(error)) => Err(error.into()),
            Ok(user) => Ok(user),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::accounts::{AccountChange, MockAccountRepository};
    use crate::audit::{AuditAction, AuditReason};
    use crate::credentials::Verification;
    use crate::testing::{self, USER};

    fn use_case(
        accounts: MockAccountRepository,
        verified: Verification,
    ) -> (DeleteOwnAccount, Arc<testing::Trail>) {
        let (prompt, trail) = testing::prompt(Some(verified), 9);
        let grace = Duration::from_secs(60);
        let (accounts, post) = (Arc::new(accounts), testing::post(9));
        let change = ChangeUser::standalone(accounts, post, trail.clone(), grace);
        (DeleteOwnAccount { change, prompt, clock: testing::clock(9) }, trail)
    }

    #[tokio::test]
    async fn a8_the_owner_deletes_with_the_password_only() {
        let mut accounts = MockAccountRepository::new();
        accounts
            .expect_change()
            .withf(|id, change, authority| {
                let is_deletion = matches!(change, AccountChange::Delete { .. });
                *id == USER && is_deletion && authority.context.actor == Some(USER)
            })
            .times(1)
            .return_once(|_, _, _| Ok(Some(testing::user())));
        let (delete, _) = use_case(accounts, Verification::Match { needs_rehash: false });
        let typed = CandidatePassword::parse("password123").unwrap();
        let caller = testing::principal();
        delete.execute(&caller, &typed, None, testing::request()).await.unwrap();
        let (delete, trail) = use_case(MockAccountRepository::new(), Verification::Mismatch);
        let refused = delete.execute(&caller, &typed, None, testing::request()).await;
        let expected = DeleteOwnAccountError::Prompt(PromptError::WrongPassword);
        assert!(matches!(refused, Err(Error::Refused(error)) if error == expected));
        trail.has([(AuditAction::DeletionFailed, AuditReason::WrongPassword)]);
    }

    #[tokio::test]
    async fn a2_the_last_administrator_stays() {
        let mut accounts = MockAccountRepository::new();
        let last = crate::accounts::LastAdmin;
        accounts
            .expect_change()
            .return_once(move |_, _, _| Err(Error::Refused(ChangeUserError::LastAdmin(last))));
        let (delete, trail) = use_case(accounts, Verification::Match { needs_rehash: false });
        let typed = CandidatePassword::parse("password123").unwrap();
        let refused = delete.execute(&testing::principal(), &typed, None, testing::request()).await;
        assert!(matches!(refused, Err(Error::Refused(DeleteOwnAccountError::LastAdmin))));
        trail.has([(AuditAction::DeletionFailed, AuditReason::LastAdmin)]);
    }
}
