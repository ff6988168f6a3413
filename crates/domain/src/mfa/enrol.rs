//! Use-case: beginning to use an authenticator app.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::access::Principal;
use crate::common::{Clock, Error, RequestContext};
use crate::credentials::{CandidatePassword, PasswordPrompt, PromptError};
use crate::lockout::PromptPurpose;
use crate::mail::Post;
use crate::mfa::{
    Enrolment, FactorCode, FactorPorts, FactorRepository, FactorSealer, Totp, TotpSecret,
};
use crate::ports::{Policy, Ports};

/// For how long a factor can be confirmed.
const CONFIRM_WITHIN: Duration = Duration::from_secs(10 * 60);

/// What an authenticator is set up with. It is shown once.
#[derive(Debug)]
pub struct TotpEnrolment {
    /// The secret in base 32, for whoever types it.
    pub secret: TotpSecret,
    /// The same as a URI, for a QR code.
    pub uri: SecretString,
    /// For how long it can be confirmed.
    pub expires_in: Duration,
}

/// Why it was not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnrolTotpError {
    /// The password, or the code of the factor that is there, was not accepted.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The owner has never proved an address, though mails are sent: somebody else could own the mailbox, and
    /// would get the account back without its factor.
    #[error("the e-mail address is not verified")]
    EmailNotVerified,
}

/// Makes the secret of an authenticator app, after the password was given again, and a code if there is a
/// factor already. Nothing changes until its first code is confirmed, in the same session, within ten minutes.
#[non_exhaustive]
pub struct EnrolTotp {
    repository: Arc<dyn FactorRepository>,
    totp: Arc<dyn Totp>,
    sealer: FactorSealer,
    prompt: PasswordPrompt,
    post: Post,
    clock: Arc<dyn Clock>,
}

impl EnrolTotp {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let FactorPorts { repository, totp, sealer } = ports.factors.clone();
        Self {
            repository,
            totp,
            sealer: FactorSealer(sealer),
            prompt: PasswordPrompt::new(ports, policy),
            post: Post::new(ports),
            clock: ports.required.clock.clone(),
        }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`EnrolTotpError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        current: &CandidatePassword,
        code: Option<&FactorCode>,
        request: RequestContext,
    ) -> Result<TotpEnrolment, Error<EnrolTotpError>> {
        let purpose = PromptPurpose::FactorChange;
        let asked = self.prompt.ask(caller, purpose, current, code, request).await;
        let credentials = asked.map_err(Error::cast)?;
        if self.post.sends_mails() && !credentials.is_proved {
            return Err(Error::Refused(EnrolTotpError::EmailNotVerified));
        }
        let (user, secret) = (&caller.user, self.totp.secret()?);
        let enrolment = Enrolment {
            user_id: user.id,
            session_id: caller.session_id,
            verified_version: credentials.version,
            secret: self.sealer.seal(user.id, &secret)?,
            expires_at: self.clock.now() + CONFIRM_WITHIN,
        };
        self.repository.begin(enrolment).await?;
        let uri = self.totp.uri(&secret, user.username.as_str());
        Ok(TotpEnrolment { secret, uri, expires_in: CONFIRM_WITHIN })
    }
}
