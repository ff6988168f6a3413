//! Checking a code, wherever one is asked for.

use std::sync::Arc;

use crate::access::Principal;
use crate::audit::{AuditContext, AuditReason};
use crate::common::{Causes, Clock, Error, PortError, RequestContext, UserId};
use crate::lockout::{AttemptGuard, LockoutSubject, LoginAttempt, PromptPurpose, TooManyAttempts};
use crate::mail::{MailKind, Outbox, Post};
use crate::mfa::{FactorCode, FactorPorts, FactorRepository, FactorSealer, Totp, UsedRecoveryCode};
use crate::ports::{Policy, Ports};

/// Why a code was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FactorError {
    /// It is wrong, or was taken before.
    #[error("the code is wrong, or was used before")]
    WrongCode,
    /// Too many wrong codes.
    #[error(transparent)]
    TooManyAttempts(#[from] TooManyAttempts),
}

/// Checks codes. A wrong one counts on the account, over everything that asks for one; that count is not the
/// one of passwords, and only a right code clears it, or the removal of the factor.
pub struct FactorCheck {
    /// The factors.
    pub repository: Arc<dyn FactorRepository>,
    /// Which step's code it is.
    pub totp: Arc<dyn Totp>,
    /// Opens secrets.
    pub(crate) sealer: FactorSealer,
    /// Counts wrong codes.
    pub attempts: AttemptGuard,
    /// Makes the mails.
    pub post: Post,
    /// Takes the mail about too many wrong codes, where mails are sent.
    pub outbox: Option<Arc<dyn Outbox>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl FactorCheck {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let FactorPorts { repository, totp, sealer } = ports.factors.clone();
        Self {
            repository,
            totp,
            sealer: FactorSealer(sealer),
            attempts: AttemptGuard::new(ports, policy),
            post: Post::new(ports),
            outbox: ports.mail.as_ref().map(|mail| mail.outbox.clone()),
            clock: ports.required.clock.clone(),
        }
    }

    /// Checks the code of somebody who logs in. The attempt has succeeded; whoever asks says so while the
    /// session begins, so that stores can commit both together.
    ///
    /// # Errors
    /// See [`FactorError`].
    pub(crate) async fn of_login(
        &self,
        user: UserId,
        code: &FactorCode,
        request: RequestContext,
    ) -> Result<LoginAttempt<'_>, Error<FactorError>> {
        let attempt = self.attempts.begin_login_code(user, request.clone()).await;
        let mut context = AuditContext::anonymous(self.clock.now(), request);
        context.actor = Some(user);
        self.decide(user, code, context, attempt.map_err(Error::cast)?).await
    }

    /// Checks the code of somebody who is logged in.
    ///
    /// # Errors
    /// See [`FactorError`].
    pub(crate) async fn of_caller(
        &self,
        caller: &Principal,
        purpose: PromptPurpose,
        code: &FactorCode,
        request: RequestContext,
    ) -> Result<(), Error<FactorError>> {
        let attempt = self.attempts.begin_change_code(caller, purpose, request.clone()).await;
        let context = AuditContext::by(caller, self.clock.now(), request);
        let attempt = attempt.map_err(Error::cast)?;
        self.decide(caller.user.id, code, context, attempt).await?.succeeded().await;
        Ok(())
    }

    async fn decide<'a>(
        &self,
        user: UserId,
        code: &FactorCode,
        context: AuditContext,
        mut attempt: LoginAttempt<'a>,
    ) -> Result<LoginAttempt<'a>, Error<FactorError>> {
        let request = context.request.clone();
        match self.take(user, code, context).await {
            Ok(true) => {
                attempt.verified();
                Ok(attempt)
            }
            Ok(false) => {
                attempt.failed(AuditReason::WrongCode);
                self.tell_if_used_up(user, &request).await;
                Err(Error::Refused(FactorError::WrongCode))
            }
            Err(error) => {
                attempt.undecided().await;
                Err(error.into())
            }
        }
    }

    /// Takes the code; `false`: it is wrong, or was taken before.
    async fn take(
        &self,
        user: UserId,
        code: &FactorCode,
        context: AuditContext,
    ) -> Result<bool, PortError> {
        match code {
            FactorCode::Totp(_) => self.take_step(user, code.expose()).await,
            FactorCode::Recovery(_) => {
                let mail = self.post.mail(MailKind::RecoveryCodeUsed, None, &context.request)?;
                let digests = self.sealer.recognise(user, code.expose());
                let code = UsedRecoveryCode { user_id: user, digests, mail, context };
                self.repository.use_recovery_code(code).await
            }
        }
    }

    /// Whoever gets so far knows the password: the owner is told once that nobody gets further for a day. The
    /// answer does not wait for a mail that could not be queued.
    async fn tell_if_used_up(&self, user: UserId, request: &RequestContext) {
        let Some(outbox) = &self.outbox else { return };
        let told = async {
            if !self.attempts.is_used_up(&LockoutSubject::Codes(user)).await? {
                return Ok(());
            }
            tracing::warn!(event = "codes_locked", user_id = %user, "too many wrong codes");
            match self.post.mail(MailKind::FactorLocked, None, request)? {
                Some(mail) => outbox.enqueue(mail, Some(user)).await,
                None => Ok::<_, PortError>(()),
            }
        };
        if let Err(error) = told.await {
            tracing::warn!(error = %Causes(&error), user_id = %user, "the owner was not told");
        }
    }

    async fn take_step(&self, user: UserId, code: &str) -> Result<bool, PortError> {
        let Some(factor) = self.repository.find(user).await? else { return Ok(false) };
        let secret = self.sealer.open(user, &factor.secret)?;
        let Some(step) = self.totp.step(&secret, code, self.clock.now()) else { return Ok(false) };
        if !self.repository.use_step(user, &factor.secret, step).await? {
            return Ok(false);
        }
        // The code was right, whatever becomes of this.
        let renewed = match self.sealer.renewed(user, &factor.secret) {
            Ok(None) => return Ok(true),
            Ok(Some(after)) => self.repository.reseal(user, &factor.secret, &after).await,
            Err(error) => Err(error),
        };
        if let Err(error) = renewed {
            tracing::warn!(error = %Causes(&error), user_id = %user, "a secret was not encrypted anew");
        }
        Ok(true)
    }
}
