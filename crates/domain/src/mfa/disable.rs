//! Use-case: giving up one's own authenticator app.

use std::sync::Arc;

use crate::access::Principal;
use crate::accounts::Authority;
use crate::audit::AuditContext;
use crate::common::{Clock, Error, RequestContext};
use crate::credentials::{CandidatePassword, PasswordPrompt, PromptError};
use crate::lockout::PromptPurpose;
use crate::mail::{MailKind, Post};
use crate::mfa::{FactorCode, FactorRepository, NoFactor, Removal};
use crate::ports::{Policy, Ports};

/// Why it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DisableMfaError {
    /// The password or the code was not accepted.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// There is none.
    #[error(transparent)]
    NoFactor(#[from] NoFactor),
}

/// Takes the caller's authenticator app away, after the password and a code were given again. All other sessions
/// end. Where the role needs a factor, the session may do nothing then but set up another.
#[non_exhaustive]
pub struct DisableMfa {
    repository: Arc<dyn FactorRepository>,
    prompt: PasswordPrompt,
    post: Post,
    clock: Arc<dyn Clock>,
}

impl DisableMfa {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        Self {
            repository: ports.factors.repository.clone(),
            prompt: PasswordPrompt::new(ports, policy),
            post: Post::new(ports),
            clock: ports.required.clock.clone(),
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
    ) -> Result<(), Error<DisableMfaError>> {
        let purpose = PromptPurpose::FactorChange;
        let asked = self.prompt.ask(caller, purpose, current, code, request.clone()).await;
        let credentials = asked.map_err(Error::cast)?;
        let has_app =
            credentials.has_factor && self.repository.find(caller.user.id).await?.is_some();
        if !has_app {
            return Err(Error::Refused(NoFactor.into()));
        }
        let context = AuditContext::by(caller, self.clock.now(), request);
        let removal = Removal {
            user_id: caller.user.id,
            verified_version: Some(credentials.version),
            keep_passkeys: true,
            keep_session: Some(caller.session_id),
            mail: self.post.mail(MailKind::FactorRemoved, None, &context.request)?,
            authority: Authority::over_oneself(context),
        };
        match self.repository.remove(removal).await {
            Ok(true) => {
                tracing::info!(event = "factor_removed", user_id = %caller.user.id);
                Ok(())
            }
            Ok(false) | Err(Error::Refused(_)) => Err(Error::Refused(PromptError::Stale.into())),
            Err(Error::Port(error)) => Err(error.into()),
        }
    }
}
