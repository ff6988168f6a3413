//! Use-case: logging out.

use std::sync::Arc;

use crate::access::Principal;
use crate::audit::AuditContext;
use crate::common::{Clock, PortError, RequestContext};
use crate::ports::{Ports, RequiredPorts};
use crate::sessions::SessionRepository;

/// Ends the caller's session: its access token and its refresh token no longer work.
///
/// Idempotent: it also succeeds if the session has ended meanwhile.
#[non_exhaustive]
pub struct Logout {
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Logout {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        let RequiredPorts { sessions, clock, .. } = &ports.required;
        Self { sessions: sessions.clone(), clock: clock.clone() }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// The store failed; the session goes on.
    pub async fn execute(
        &self,
        caller: &Principal,
        request: RequestContext,
    ) -> Result<(), PortError> {
        let context = AuditContext::by(caller, self.clock.now(), request);
        if self.sessions.end(caller.session_id, context).await? {
            tracing::info!(event = "logout", user_id = %caller.user.id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::sessions::MockSessionRepository;
    use crate::testing::{self, SESSION, at};

    #[tokio::test]
    async fn the_callers_session_ends_and_ending_it_twice_is_fine() {
        for ended_now in [true, false] {
            let mut sessions = MockSessionRepository::new();
            sessions
                .expect_end()
                .with(
                    eq(SESSION),
                    eq(AuditContext::by(&testing::principal(), at(5), testing::request())),
                )
                .times(1)
                .return_once(move |_, _| Ok(ended_now));
            let logout = Logout { sessions: Arc::new(sessions), clock: testing::clock(5) };
            logout.execute(&testing::principal(), testing::request()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_failure_is_not_swallowed() {
        let mut sessions = MockSessionRepository::new();
        sessions.expect_end().return_once(|_, _| Err(testing::broken()));
        let logout = Logout { sessions: Arc::new(sessions), clock: testing::clock(5) };
        assert!(logout.execute(&testing::principal(), testing::request()).await.is_err());
    }
}
