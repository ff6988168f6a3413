//! Use-case: proving an address by a link.

use std::sync::Arc;

use crate::accounts::User;
use crate::audit::{AuditAction, AuditContext, AuditReason, AuditTrail};
use crate::common::{Clock, Error, RequestContext};
use crate::credentials::{
    CandidatePassword, CredentialRepository, Overloaded, PasswordHasher, Verification,
};
use crate::lockout::{AttemptGuard, LockoutSubject, TooManyAttempts};
use crate::one_time::{
    EmailVerification, OneTimeToken, OneTimeTokenRepository, Purpose, TokenHolder, TokenInvalid,
};
use crate::ports::{Policy, Ports, RequiredPorts};

/// A token, and the password if the address is to take the place of the one before at once.
#[derive(Debug, Clone)]
pub struct VerifyEmailInput {
    /// The token.
    pub token: OneTimeToken,
    /// The password of the account, if it was typed.
    pub current: Option<CandidatePassword>,
    /// Where from.
    pub request: RequestContext,
}

/// Why the address is not proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyEmailError {
    /// The token is unknown, expired or void. Nothing tells which.
    #[error(transparent)]
    TokenInvalid(#[from] TokenInvalid),
    /// The password is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// Too many failures.
    #[error(transparent)]
    TooManyAttempts(#[from] TooManyAttempts),
    /// No capacity to hash.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
}

/// Makes an account verified. Doing it again changes nothing and is no error: people press buttons
/// twice.
#[non_exhaustive]
pub struct VerifyEmail {
    /// The tokens.
    pub tokens: Arc<dyn OneTimeTokenRepository>,
    /// The passwords.
    pub credentials: Arc<dyn CredentialRepository>,
    /// Verifies.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Counts failures.
    pub attempts: AttemptGuard,
    /// Takes the failures.
    pub trail: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl VerifyEmail {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { credentials, hasher, audit_trail, clock, .. } = &ports.required;
        Self {
            tokens: ports.one_time_tokens.clone(),
            credentials: credentials.clone(),
            hasher: hasher.clone(),
            attempts: AttemptGuard::new(ports, policy),
            trail: audit_trail.clone(),
            clock: clock.clone(),
        }
    }

    /// Whose token this is, for a page that asks before it does anything.
    ///
    /// # Errors
    /// A port failed.
    pub async fn look(
        &self,
        token: &OneTimeToken,
    ) -> Result<Option<TokenHolder>, crate::common::PortError> {
        self.tokens.find(&token.digest(), Purpose::VerifyEmail, self.clock.now()).await
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`VerifyEmailError`].
    pub async fn execute(&self, input: VerifyEmailInput) -> Result<User, Error<VerifyEmailError>> {
        let VerifyEmailInput { token, current, request } = input;
        let Some(holder) = self.look(&token).await? else { return Err(self.invalid(request)) };
        if let Some(current) = &current {
            self.check(&holder, current, request.clone()).await?;
        }
        let proof = EmailVerification {
            digest: token.digest(),
            user_id: holder.user.id,
            email: holder.email,
            with_password: current.is_some(),
            at: self.clock.now(),
            request: request.clone(),
        };
        match self.tokens.verify_email(proof).await {
            Ok(user) => {
                tracing::info!(event = "email_verified", user_id = %user.id);
                Ok(user)
            }
            Err(Error::Refused(TokenInvalid)) => Err(self.invalid(request)),
            Err(Error::Port(error)) => Err(error.into()),
        }
    }

    async fn check(
        &self,
        holder: &TokenHolder,
        current: &CandidatePassword,
        request: RequestContext,
    ) -> Result<(), Error<VerifyEmailError>> {
        let id = holder.user.id;
        let credentials = self.credentials.find_by_id(id).await?;
        let begun = self.attempts.begin_login(LockoutSubject::Account(id), request).await;
        let mut attempt = begun.map_err(Error::cast)?;
        match self.hasher.verify(current, credentials.map(|found| found.hash)).await {
            Ok(Verification::Match { .. }) => {
                attempt.verified();
                attempt.succeeded().await;
                Ok(())
            }
            Ok(Verification::Mismatch) => {
                attempt.failed(AuditReason::WrongPassword);
                Err(Error::Refused(VerifyEmailError::WrongPassword))
            }
            Err(error) => {
                attempt.undecided().await;
                Err(error.cast())
            }
        }
    }

    fn invalid(&self, request: RequestContext) -> Error<VerifyEmailError> {
        let context = AuditContext::anonymous(self.clock.now(), request);
        let event = context.event(AuditAction::EmailVerificationFailed);
        self.trail.note(event.because(AuditReason::InvalidToken));
        Error::Refused(TokenInvalid.into())
    }
}
