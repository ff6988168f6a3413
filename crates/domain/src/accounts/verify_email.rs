//! Use-case: proving an address by a link.

use std::sync::Arc;

use crate::accounts::User;
use crate::audit::{AuditAction, AuditContext, AuditReason, AuditTrail};
use crate::common::{Clock, Error, PortError, RequestContext};
use crate::credentials::{CandidatePassword, PasswordPrompt, PromptError};
use crate::mail::Post;
use crate::mfa::FactorCode;
use crate::one_time::{
    ConfirmEmailChangeError, EmailChange, EmailVerification, OneTimeToken, OneTimeTokenRepository,
    Purpose, TokenHolder, TokenInvalid,
};
use crate::ports::{Policy, Ports, RequiredPorts};

/// A token, and the password if the address is to take the place of the one before at once.
#[derive(Debug, Clone)]
pub struct VerifyEmailInput {
    /// The token.
    pub token: OneTimeToken,
    /// The password of the account, if it was typed.
    pub current: Option<CandidatePassword>,
    /// A code of the second factor, which the password needs where there is one.
    pub code: Option<FactorCode>,
    /// Where from.
    pub request: RequestContext,
}

/// Why the address is not proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyEmailError {
    /// The token is unknown, expired or void. Nothing tells which.
    #[error(transparent)]
    TokenInvalid(#[from] TokenInvalid),
    /// The password was not accepted.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// Somebody else has the address by now.
    #[error("the e-mail address is taken")]
    EmailTaken,
}

impl From<ConfirmEmailChangeError> for VerifyEmailError {
    fn from(error: ConfirmEmailChangeError) -> Self {
        match error {
            ConfirmEmailChangeError::TokenInvalid(invalid) => Self::TokenInvalid(invalid),
            ConfirmEmailChangeError::EmailTaken => Self::EmailTaken,
        }
    }
}

/// Whose a link is, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmailProof {
    /// It proves the address of the account.
    Own(TokenHolder),
    /// It gives the account this address, which it was sent to.
    Another(TokenHolder),
}

impl EmailProof {
    fn holder(&self) -> &TokenHolder {
        match self {
            Self::Own(holder) | Self::Another(holder) => holder,
        }
    }
}

/// Proves that whoever has the link has the mailbox. The account is verified then; if the link was for
/// another address, the account has that.
///
/// Proving one's address again changes nothing and is no error: people press buttons twice.
#[non_exhaustive]
pub struct VerifyEmail {
    /// The tokens.
    pub tokens: Arc<dyn OneTimeTokenRepository>,
    /// Asks for the password, if it was typed.
    pub prompt: PasswordPrompt,
    /// Makes the mails of a changed address.
    pub post: Post,
    /// Takes the failures.
    pub trail: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl VerifyEmail {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { audit_trail, clock, .. } = &ports.required;
        Self {
            tokens: ports.one_time_tokens.clone(),
            prompt: PasswordPrompt::new(ports, policy),
            post: Post::new(ports),
            trail: audit_trail.clone(),
            clock: clock.clone(),
        }
    }

    /// Whose token this is and what it does, for a page that asks before it does anything.
    ///
    /// # Errors
    /// A port failed.
    pub async fn look(&self, token: &OneTimeToken) -> Result<Option<EmailProof>, PortError> {
        let (digest, now) = (token.digest(), self.clock.now());
        if let Some(holder) = self.tokens.find(&digest, Purpose::VerifyEmail, now).await? {
            return Ok(Some(EmailProof::Own(holder)));
        }
        let found = self.tokens.find(&digest, Purpose::ChangeEmail, now).await?;
        Ok(found.map(EmailProof::Another))
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`VerifyEmailError`].
    pub async fn execute(&self, input: VerifyEmailInput) -> Result<User, Error<VerifyEmailError>> {
        let VerifyEmailInput { token, current, code, request } = input;
        let Some(proof) = self.look(&token).await? else { return Err(self.invalid(request)) };
        if let Some(current) = &current {
            let user = proof.holder().user.id;
            let asked = self.prompt.ask_owner(user, current, code.as_ref(), request.clone()).await;
            asked.map_err(Error::cast)?;
        }
        let done = match proof {
            EmailProof::Own(holder) => {
                let proof = EmailVerification {
                    digest: token.digest(),
                    user_id: holder.user.id,
                    email: holder.email,
                    with_password: current.is_some(),
                    at: self.clock.now(),
                    request: request.clone(),
                };
                self.tokens.verify_email(proof).await.map_err(Error::cast)
            }
            EmailProof::Another(holder) => {
                let change = EmailChange {
                    digest: token.digest(),
                    user_id: holder.user.id,
                    mails: self.post.of_email_change(true, &request)?,
                    at: self.clock.now(),
                    request: request.clone(),
                };
                self.tokens.confirm_email_change(change).await.map_err(Error::cast)
            }
        };
        match done {
            Ok(user) => {
                tracing::info!(event = "email_verified", user_id = %user.id);
                Ok(user)
            }
            Err(Error::Refused(VerifyEmailError::TokenInvalid(_))) => Err(self.invalid(request)),
            Err(error) => Err(error),
        }
    }

    fn invalid(&self, request: RequestContext) -> Error<VerifyEmailError> {
        let context = AuditContext::anonymous(self.clock.now(), request);
        let event = context.event(AuditAction::EmailVerificationFailed);
        self.trail.note(event.because(AuditReason::InvalidToken));
        Error::Refused(TokenInvalid.into())
    }
}
