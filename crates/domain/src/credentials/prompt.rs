//! Asking for the password again, before a change that needs more than a session.

use std::sync::Arc;

use crate::access::Principal;
use crate::audit::AuditReason;
use crate::common::{Error, RequestContext, UserId};
use crate::credentials::{
    CandidatePassword, CredentialRepository, Credentials, Overloaded, PasswordHasher, Verification,
};
use crate::lockout::{AttemptGuard, LockoutSubject, LoginAttempt, PromptPurpose, TooManyAttempts};
use crate::mfa::{FactorCheck, FactorCode, FactorError};
use crate::ports::{Policy, Ports, RequiredPorts};

/// Why the password was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// It is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// The password is right, and a code of the second factor is needed too.
    #[error("a code of the second factor is needed")]
    CodeRequired,
    /// The password is right, and the code is wrong.
    #[error("the code is wrong, or was used before")]
    WrongCode,
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

impl From<FactorError> for PromptError {
    fn from(error: FactorError) -> Self {
        match error {
            FactorError::WrongCode => Self::WrongCode,
            FactorError::TooManyAttempts(error) => Self::TooManyAttempts(error),
        }
    }
}

/// Checks a password that is asked for again, and a code where there is a second factor. A wrong one counts as a failed login: a stolen session
/// must not be a way around the limits.
pub struct PasswordPrompt {
    /// The passwords.
    pub credentials: Arc<dyn CredentialRepository>,
    /// Verifies.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Counts failures.
    pub attempts: AttemptGuard,
    /// Checks codes.
    pub factor: FactorCheck,
}

impl PasswordPrompt {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { credentials, hasher, .. } = &ports.required;
        Self {
            credentials: credentials.clone(),
            hasher: hasher.clone(),
            attempts: AttemptGuard::new(ports, policy),
            factor: FactorCheck::new(ports, policy),
        }
    }

    /// Asks somebody who is logged in; returns the credentials that the password was verified against.
    pub(crate) async fn ask(
        &self,
        caller: &Principal,
        purpose: PromptPurpose,
        current: &CandidatePassword,
        code: Option<&FactorCode>,
        request: RequestContext,
    ) -> Result<Credentials, Error<PromptError>> {
        let attempt = self.attempts.begin_change(caller, purpose, request.clone()).await;
        let attempt = attempt.map_err(Error::cast)?;
        let credentials = self.check(caller.user.id, current, attempt).await?;
        if credentials.has_factor && purpose.needs_factor() {
            let code = code.ok_or(Error::Refused(PromptError::CodeRequired))?;
            let checked = self.factor.of_caller(caller, purpose, code, request).await;
            checked.map_err(Error::cast)?;
        }
        Ok(credentials)
    }

    /// Asks somebody who is known by a link only.
    pub(crate) async fn ask_owner(
        &self,
        user: UserId,
        current: &CandidatePassword,
        code: Option<&FactorCode>,
        request: RequestContext,
    ) -> Result<Credentials, Error<PromptError>> {
        let subject = LockoutSubject::Account(user);
        let attempt = self.attempts.begin_login(subject, request.clone()).await;
        let credentials = self.check(user, current, attempt.map_err(Error::cast)?).await?;
        if credentials.has_factor {
            let code = code.ok_or(Error::Refused(PromptError::CodeRequired))?;
            let attempt = self.factor.of_login(user, code, request).await;
            attempt.map_err(Error::cast)?.succeeded().await;
        }
        Ok(credentials)
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
