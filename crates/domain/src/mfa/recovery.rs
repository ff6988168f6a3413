//! Recovery codes: each logs in once, instead of a code of the authenticator.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use crate::access::Principal;
use crate::audit::AuditContext;
use crate::common::random::bytes;
use crate::common::readable::{digit, grouped};
use crate::common::{Clock, Error, PortError, Random, RequestContext, UserId};
use crate::credentials::{CandidatePassword, PasswordPrompt};
use crate::lockout::PromptPurpose;
use crate::mail::{MailKind, Post};
use crate::mfa::code::RECOVERY_LENGTH;
use crate::mfa::{
    DisableMfaError, FactorCode, FactorRepository, FactorSealer, NewRecoveryCodes, NoFactor,
};
use crate::ports::{Policy, Ports, RequiredPorts};

/// By what a recovery code is recognised: an HMAC under a key that the database does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryDigest {
    /// The id of the key.
    pub key_id: String,
    /// The HMAC, in hexadecimal digits.
    pub digest: String,
}

/// New recovery codes, to be shown once.
pub struct RecoveryCodes(Vec<SecretString>);

impl RecoveryCodes {
    /// How many there are.
    pub const COUNT: usize = 10;

    /// Draws them: 80 bits each.
    pub(crate) fn draw(random: &dyn Random) -> Result<Self, PortError> {
        let one = |_| {
            let digits = bytes(random)?.into_iter().take(RECOVERY_LENGTH).map(digit);
            Ok(digits.collect::<String>().into())
        };
        (0..Self::COUNT).map(one).collect::<Result<_, PortError>>().map(Self)
    }

    /// As people read them: four groups of four.
    pub fn shown(&self) -> Vec<String> {
        self.0.iter().map(|code| grouped(code.expose_secret())).collect()
    }

    /// By what they are recognised, under the newest key.
    pub(crate) fn digests(&self, of: UserId, sealer: &FactorSealer) -> Vec<RecoveryDigest> {
        let codes = self.0.iter().map(|code| sealer.recognise(of, code.expose_secret()));
        codes.filter_map(|digests| digests.into_iter().next()).collect()
    }
}

impl fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecoveryCodes({})", self.0.len())
    }
}

/// Makes new recovery codes instead of those that the caller has, after the password and a code were given
/// again.
#[non_exhaustive]
pub struct RenewRecoveryCodes {
    repository: Arc<dyn FactorRepository>,
    sealer: FactorSealer,
    prompt: PasswordPrompt,
    post: Post,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
}

impl RenewRecoveryCodes {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { random, clock, .. } = &ports.required;
        Self {
            repository: ports.factors.repository.clone(),
            sealer: FactorSealer(ports.factors.sealer.clone()),
            prompt: PasswordPrompt::new(ports, policy),
            post: Post::new(ports),
            random: random.clone(),
            clock: clock.clone(),
        }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`DisableMfaError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        current: &CandidatePassword,
        code: Option<&FactorCode>,
        request: RequestContext,
    ) -> Result<RecoveryCodes, Error<DisableMfaError>> {
        let purpose = PromptPurpose::FactorChange;
        let asked = self.prompt.ask(caller, purpose, current, code, request.clone()).await;
        let credentials = asked.map_err(Error::cast)?;
        if !credentials.has_factor {
            return Err(Error::Refused(NoFactor.into()));
        }
        let codes = RecoveryCodes::draw(&*self.random)?;
        let user_id = caller.user.id;
        let new = NewRecoveryCodes {
            user_id,
            verified_version: credentials.version,
            recovery: codes.digests(user_id, &self.sealer),
            mail: self.post.mail(MailKind::RecoveryCodesRenewed, None, &request)?,
            context: AuditContext::by(caller, self.clock.now(), request),
        };
        if !self.repository.replace_recovery_codes(new).await? {
            return Err(Error::Refused(NoFactor.into()));
        }
        tracing::info!(event = "recovery_codes_renewed", %user_id);
        Ok(codes)
    }
}
