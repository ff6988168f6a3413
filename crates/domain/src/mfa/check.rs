//! Checking a code, wherever one is asked for.

use std::sync::Arc;

use futures_util::future::join;

use crate::access::Principal;
use crate::audit::{AuditContext, AuditReason};
use crate::common::{Causes, Clock, Error, PortError, RequestContext, UserId};
use crate::lockout::{AttemptGuard, LockoutSubject, LoginAttempt, PromptPurpose, TooManyAttempts};
use crate::mail::{MailKind, Outbox, Post};
use crate::mfa::{
    FactorCode, FactorPorts, FactorRepository, FactorSealer, SealedSecret, Totp, UsedRecoveryCode,
};
use crate::passkeys::PasskeyCheck;
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

/// Of what a code may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorMethod {
    /// The authenticator app.
    Totp,
    /// A passkey.
    Passkey,
    /// The recovery codes.
    RecoveryCode,
}

impl FactorMethod {
    /// One of each.
    pub const ALL: [Self; 3] = [Self::Totp, Self::Passkey, Self::RecoveryCode];

    /// The name that clients see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Passkey => "passkey",
            Self::RecoveryCode => "recovery_code",
        }
    }
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
    /// Checks passkeys, where there are any.
    pub(crate) passkeys: Option<PasskeyCheck>,
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
            passkeys: PasskeyCheck::new(ports),
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
        let attempt = self.attempts.begin_login_code(user, code.is_guessable(), request.clone());
        let mut context = AuditContext::anonymous(self.clock.now(), request);
        context.actor = Some(user);
        self.decide(user, code, context, attempt).await
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
        let is_guessable = code.is_guessable();
        let attempt =
            self.attempts.begin_change_code(caller, purpose, is_guessable, request.clone());
        let context = AuditContext::by(caller, self.clock.now(), request);
        self.decide(caller.user.id, code, context, attempt).await?.succeeded().await;
        Ok(())
    }

    /// Of what a code of this user's may be.
    pub(crate) async fn methods(&self, user: UserId) -> Result<Vec<FactorMethod>, PortError> {
        // Without passkeys on this server nothing has to be asked.
        let has_passkeys = match &self.passkeys {
            Some(passkeys) => passkeys.has_any(user).await?,
            None => return Ok(vec![FactorMethod::Totp, FactorMethod::RecoveryCode]),
        };
        let has_app = !has_passkeys || self.repository.find(user).await?.is_some();
        let methods = [
            (FactorMethod::Totp, has_app),
            (FactorMethod::Passkey, has_passkeys),
            (FactorMethod::RecoveryCode, true),
        ];
        Ok(methods.into_iter().filter(|(_, has)| *has).map(|(method, _)| method).collect())
    }

    async fn decide<'a>(
        &self,
        user: UserId,
        code: &FactorCode,
        context: AuditContext,
        attempt: impl Future<Output = Result<LoginAttempt<'a>, Error<TooManyAttempts>>>,
    ) -> Result<LoginAttempt<'a>, Error<FactorError>> {
        let request = context.request.clone();
        let (attempt, taken) = if let FactorCode::Totp(_) = code {
            // The step is taken while the attempt is counted, so that stores can commit both together. If
            // the attempt is refused, the code is gone for nothing: no other would be taken now, either.
            let step = self.recognise(user, code.expose()).await.map_err(Error::Port)?;
            let (attempt, taken) = join(attempt, self.take_step(user, code.expose(), step)).await;
            (attempt.map_err(Error::cast)?, taken)
        } else {
            let attempt = attempt.await.map_err(Error::cast)?;
            (attempt, self.take(user, code, context).await)
        };
        self.conclude(user, attempt, taken, &request).await
    }

    async fn conclude<'a>(
        &self,
        user: UserId,
        mut attempt: LoginAttempt<'a>,
        taken: Result<Result<(), AuditReason>, PortError>,
        request: &RequestContext,
    ) -> Result<LoginAttempt<'a>, Error<FactorError>> {
        match taken {
            Ok(Ok(())) => {
                attempt.verified();
                Ok(attempt)
            }
            Ok(Err(reason)) => {
                attempt.failed(reason);
                if reason == AuditReason::WrongCode {
                    self.tell_if_used_up(user, request).await;
                }
                Err(Error::Refused(FactorError::WrongCode))
            }
            Err(error) => {
                attempt.undecided().await;
                Err(error.into())
            }
        }
    }

    /// Takes a recovery code, or the answer of a passkey; `Err`: why not.
    async fn take(
        &self,
        user: UserId,
        code: &FactorCode,
        context: AuditContext,
    ) -> Result<Result<(), AuditReason>, PortError> {
        if let FactorCode::Passkey(answer) = code {
            return match &self.passkeys {
                Some(passkeys) => passkeys.take(user, answer, context).await,
                None => Ok(Err(AuditReason::UnknownPasskey)),
            };
        }
        let mail = self.post.mail(MailKind::RecoveryCodeUsed, None, &context.request)?;
        let digests = self.sealer.recognise(user, code.expose());
        let code = UsedRecoveryCode { user_id: user, digests, mail, context };
        let is_taken = self.repository.use_recovery_code(code).await?;
        Ok(if is_taken { Ok(()) } else { Err(AuditReason::WrongCode) })
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

    /// The step whose code this is, and the secret that says so.
    async fn recognise(
        &self,
        user: UserId,
        code: &str,
    ) -> Result<Option<(SealedSecret, i64)>, PortError> {
        let Some(factor) = self.repository.find(user).await? else { return Ok(None) };
        let secret = self.sealer.open(user, &factor.secret)?;
        let step = self.totp.step(&secret, code, self.clock.now());
        Ok(step.map(|step| (factor.secret, step)))
    }

    async fn take_step(
        &self,
        user: UserId,
        code: &str,
        step: Option<(SealedSecret, i64)>,
    ) -> Result<Result<(), AuditReason>, PortError> {
        let wrong = Ok(Err(AuditReason::WrongCode));
        let Some((mut sealed, step)) = step else { return wrong };
        if !self.repository.use_step(user, &sealed, step).await? {
            // The clean-up may have encrypted the secret anew meanwhile.
            let again = self.recognise(user, code).await?;
            let Some((renewed, step)) = again.filter(|(other, _)| *other != sealed) else {
                return wrong;
            };
            if !self.repository.use_step(user, &renewed, step).await? {
                return wrong;
            }
            sealed = renewed;
        }
        // The code was right, whatever becomes of this.
        let renewed = match self.sealer.renewed(user, &sealed) {
            Ok(None) => return Ok(Ok(())),
            Ok(Some(after)) => self.repository.reseal(user, &sealed, &after).await,
            Err(error) => Err(error),
        };
        if let Err(error) = renewed {
            tracing::warn!(error = %Causes(&error), user_id = %user, "a secret was not encrypted anew");
        }
        Ok(Ok(()))
    }
}
