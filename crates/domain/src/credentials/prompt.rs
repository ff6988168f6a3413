//! Asking for the password again, before a change that needs more than a session.

use std::sync::Arc;

use crate::access::Principal;
use crate::audit::AuditReason;
use crate::common::{Error, RequestContext, UserId};
use crate::credentials::{
    CandidatePassword, CredentialRepository, Credentials, Overloaded, PasswordHasher, Verification,
};
use crate::lockout::{AttemptGuard, LockoutSubject, LoginAttempt, PromptPurpose, TooManyAttempts};
use crate::ports::{Policy, Ports, RequiredPorts};

/// Why the password was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// It is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// Too many failures, here and at login together.
    #[error(transparent)]
    TooManyAttempts(#[from] TooManyAttempts),
    /// The account is gone, or was changed meanwhile: the caller is no longer authenticated.
    #[error("the account has changed meanwhile")]
    Stale,
    /// No capacity to hash.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
}

/// Checks a password that is asked for again. A wrong one counts as a failed login: a stolen session
/// must not be a way around the limits.
pub struct PasswordPrompt {
    /// The passwords.
    pub credentials: Arc<dyn CredentialRepository>,
    /// Verifies.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Counts failures.
    pub attempts: AttemptGuard,
}

impl PasswordPrompt {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { credentials, hasher, .. } = &ports.required;
        Self {
            credentials: credentials.clone(),
            hasher: hasher.clone(),
            attempts: AttemptGuard::new(ports, policy),
        }
    }

    /// Asks somebody who is logged in; returns the credentials that the password was verified against.
    pub(crate) async fn ask(
        &self,
        caller: &Principal,
        purpose: PromptPurpose,
        current: &CandidatePassword,
        request: RequestContext,
    ) -> Result<Credentials, Error<PromptError>> {
        let attempt = self.attempts.begin_change(caller, purpose, request).await;
        self.check(caller.user.id, current, attempt.map_err(Error::cast)?).await
    }

    /// Asks somebody who is known by a link only.
    pub(crate) async fn ask_owner(
        &self,
        user: UserId,
        current: &CandidatePassword,
        request: RequestContext,
    ) -> Result<Credentials, Error<PromptError>> {
        let attempt = self.attempts.begin_login(LockoutSubject::Account(user), request).await;
        self.check(user, current, attempt.map_err(Error::cast)?).await
    }

    async fn check(
        &self,
        user: UserId,
        current: &CandidatePassword,
        attempt: LoginAttempt<'_>,
    ) -> Result<Credentials, Error<PromptError>> {
        let credentials = match self.credentials.find_by_id(user).await {
            Ok(Some(credentials)) => credentials,
            missing => {
                attempt.undecided().await;
                missing?;
                return Err(Error::Refused(PromptError::Stale));
            }
        };
        match self.hasher.verify(current, Some(credentials.hash.clone())).await {
            Ok(Verification::Match { .. }) => {
                attempt.succeeded().await;
                Ok(credentials)
            }
            Ok(Verification::Mismatch) => {
                attempt.failed(AuditReason::WrongPassword);
                Err(Error::Refused(PromptError::WrongPassword))
            }
            Err(error) => {
                attempt.undecided().await;
                Err(error.cast())
            }
        }
    }
}
