//! Use-case: giving the password again, before what is critical.

use std::sync::Arc;

use crate::access::Principal;
use crate::audit::AuditContext;
use crate::common::{Clock, Error, RequestContext};
use crate::credentials::{CandidatePassword, PasswordPrompt, PromptError};
use crate::lockout::PromptPurpose;
use crate::mfa::FactorCode;
use crate::ports::{Policy, Ports, RequiredPorts};
use crate::sessions::{Reauthentication, SessionRepository};

/// Asks the caller for the password again, and for a code where there is a second factor, and marks the session with the time, so that what is critical
/// is allowed for a while ([`Guard::step_up`](crate::access::Guard::step_up)). The mark is the
/// session's: a refresh does not renew it, and the tokens stay.
#[non_exhaustive]
pub struct Reauthenticate {
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// Asks for the password.
    pub prompt: PasswordPrompt,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Reauthenticate {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { sessions, clock, .. } = &ports.required;
        let prompt = PasswordPrompt::new(ports, policy);
        Self { sessions: sessions.clone(), prompt, clock: clock.clone() }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`PromptError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        current: &CandidatePassword,
        code: Option<&FactorCode>,
        request: RequestContext,
    ) -> Result<(), Error<PromptError>> {
        let purpose = PromptPurpose::Reauthentication;
        let credentials = self.prompt.ask(caller, purpose, current, code, request.clone()).await?;
        let again = Reauthentication {
            session_id: caller.session_id,
            user_id: caller.user.id,
            verified_version: credentials.version,
            context: AuditContext::by(caller, self.clock.now(), request),
        };
        if self.sessions.reauthenticate(again).await? {
            Ok(())
        } else {
            Err(Error::Refused(PromptError::Stale))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{AuditAction, AuditReason};
    use crate::credentials::{CredentialVersion, Verification};
    use crate::sessions::MockSessionRepository;
    use crate::testing::{self, SESSION, USER};

    async fn reauthenticate(
        verified: Verification,
        stored: Option<bool>,
    ) -> (Result<(), Error<PromptError>>, Arc<testing::Trail>) {
        let (prompt, trail) = testing::prompt(Some(verified), 9);
        let mut sessions = MockSessionRepository::new();
        if let Some(stored) = stored {
            sessions
                .expect_reauthenticate()
                .withf(|again| {
                    (again.session_id, again.user_id) == (SESSION, USER)
                        && again.verified_version == CredentialVersion(3)
                        && again.context.at == testing::at(9)
                })
                .times(1)
                .return_once(move |_| Ok(stored));
        }
        let sessions = Arc::new(sessions);
        let use_case = Reauthenticate { sessions, prompt, clock: testing::clock(9) };
        let typed = CandidatePassword::parse("password123").unwrap();
        (use_case.execute(&testing::principal(), &typed, None, testing::request()).await, trail)
    }

    #[tokio::test]
    async fn a10_a_right_password_marks_the_session() {
        let right = Verification::Match { needs_rehash: false };
        let (result, trail) = reauthenticate(right, Some(true)).await;
        result.unwrap();
        trail.has([]);
        let (result, _) = reauthenticate(right, Some(false)).await;
        assert!(matches!(result, Err(Error::Refused(PromptError::Stale))));
    }

    #[tokio::test]
    async fn a10_a_wrong_one_does_not_and_is_recorded() {
        let (result, trail) = reauthenticate(Verification::Mismatch, None).await;
        assert!(matches!(result, Err(Error::Refused(PromptError::WrongPassword))));
        trail.has([(AuditAction::ReauthenticationFailed, AuditReason::WrongPassword)]);
    }
}
