//! Use-case: confirming an authenticator app by its first code.

use std::sync::Arc;

use crate::access::Principal;
use crate::audit::{AuditContext, AuditReason};
use crate::common::{Clock, Error, Random, RequestContext};
use crate::lockout::{AttemptGuard, PromptPurpose, TooManyAttempts};
use crate::mail::{MailKind, Post};
use crate::mfa::{
    Confirmation, FactorCode, FactorPorts, FactorRepository, FactorSealer, RecoveryCodes, Totp,
};
use crate::ports::{Policy, Ports, RequiredPorts};

/// Why it was not confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmTotpError {
    /// Nothing was begun in this session, or it was too long ago.
    #[error("there is nothing to confirm in this session, or no longer")]
    NothingToConfirm,
    /// The code is wrong.
    #[error("the code is wrong")]
    WrongCode,
    /// Too many wrong codes.
    #[error(transparent)]
    TooManyAttempts(#[from] TooManyAttempts),
}

/// Makes the authenticator that was begun the account's second factor. All other sessions end.
#[non_exhaustive]
pub struct ConfirmTotp {
    repository: Arc<dyn FactorRepository>,
    totp: Arc<dyn Totp>,
    sealer: FactorSealer,
    attempts: AttemptGuard,
    post: Post,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
}

impl ConfirmTotp {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let FactorPorts { repository, totp, sealer } = ports.factors.clone();
        let RequiredPorts { random, clock, .. } = &ports.required;
        Self {
            repository,
            totp,
            sealer: FactorSealer(sealer),
            attempts: AttemptGuard::new(ports, policy),
            post: Post::new(ports),
            random: random.clone(),
            clock: clock.clone(),
        }
    }

    /// Runs the use-case. The recovery codes are shown this once.
    ///
    /// # Errors
    /// See [`ConfirmTotpError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        code: &FactorCode,
        request: RequestContext,
    ) -> Result<RecoveryCodes, Error<ConfirmTotpError>> {
        let (user_id, session_id) = (caller.user.id, caller.session_id);
        let now = self.clock.now();
        let nothing = Error::Refused(ConfirmTotpError::NothingToConfirm);
        let found = self.repository.enrolment(user_id, session_id, now).await?;
        let Some(sealed) = found else { return Err(nothing) };
        let purpose = PromptPurpose::FactorChange;
        let begun = self.attempts.begin_change_code(caller, purpose, true, request.clone()).await;
        let attempt = begun.map_err(Error::cast)?;
        let step = match self.sealer.open(user_id, &sealed) {
            Ok(secret) => self.totp.step(&secret, code.expose(), now),
            Err(error) => {
                attempt.undecided().await;
                return Err(error.into());
            }
        };
        let Some(step) = step else {
            attempt.failed(AuditReason::WrongCode);
            return Err(Error::Refused(ConfirmTotpError::WrongCode));
        };
        attempt.succeeded().await;
        let codes = RecoveryCodes::draw(&*self.random)?;
        let confirmation = Confirmation {
            user_id,
            session_id,
            secret: sealed,
            step,
            recovery: codes.digests(user_id, &self.sealer),
            mail: self.post.mail(MailKind::FactorAdded, None, &request)?,
            context: AuditContext::by(caller, now, request),
        };
        if !self.repository.confirm(confirmation).await? {
            return Err(nothing);
        }
        tracing::info!(event = "factor_added", %user_id);
        Ok(codes)
    }
}
