//! Use-case: giving up one of one's own passkeys.

use std::sync::Arc;

use crate::access::Principal;
use crate::audit::AuditContext;
use crate::common::{Clock, Error, RequestContext};
use crate::credentials::{CandidatePassword, PasswordPrompt, PromptError};
use crate::lockout::PromptPurpose;
use crate::mail::{MailKind, Post};
use crate::mfa::FactorCode;
use crate::passkeys::{PasskeyId, PasskeyNotFound, PasskeyPorts, PasskeyRemoval};
use crate::ports::{Policy, Ports};

/// Why it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RemovePasskeyError {
    /// The password or the code was not accepted.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// There is none.
    #[error(transparent)]
    NotFound(#[from] PasskeyNotFound),
}

/// Takes one of the caller's passkeys away, after the password and a code were given again; the passkey itself
/// may answer for the code. All other sessions end. The recovery codes go with the last factor.
#[non_exhaustive]
pub struct RemovePasskey {
    ports: Option<PasskeyPorts>,
    prompt: PasswordPrompt,
    post: Post,
    clock: Arc<dyn Clock>,
}

impl RemovePasskey {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        Self {
            ports: ports.passkeys.clone(),
            prompt: PasswordPrompt::new(ports, policy),
            post: Post::new(ports),
            clock: ports.required.clock.clone(),
        }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`RemovePasskeyError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        passkey: PasskeyId,
        current: &CandidatePassword,
        code: Option<&FactorCode>,
        request: RequestContext,
    ) -> Result<(), Error<RemovePasskeyError>> {
        let nothing = Error::Refused(PasskeyNotFound.into());
        let Some(ports) = &self.ports else { return Err(nothing) };
        let purpose = PromptPurpose::FactorChange;
        let asked = self.prompt.ask(caller, purpose, current, code, request.clone()).await;
        let credentials = asked.map_err(Error::cast)?;
        let user_id = caller.user.id;
        let removal = PasskeyRemoval {
            user_id,
            passkey,
            verified_version: credentials.version,
            keep_session: caller.session_id,
            mail: self.post.mail(MailKind::FactorRemoved, None, &request)?,
            context: AuditContext::by(caller, self.clock.now(), request),
        };
        if !ports.repository.remove(removal).await? {
            return Err(nothing);
        }
        tracing::info!(event = "passkey_removed", %user_id, passkey_id = %passkey);
        Ok(())
    }
}
