//! Use-cases: ending one of one's own sessions, or all others.

use std::sync::Arc;

use crate::access::Principal;
use crate::audit::AuditContext;
use crate::common::{Clock, Error, PortError, RequestContext, SessionId};
use crate::ports::{Ports, RequiredPorts};
use crate::sessions::SessionRepository;

/// The caller has no live session with this id. The error is the same if the session is somebody
/// else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such session")]
pub struct SessionNotFound;

/// Ends one of the caller's sessions, which may be the current one. Its tokens stop working at
/// once.
#[non_exhaustive]
pub struct RevokeSession {
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl RevokeSession {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        let RequiredPorts { sessions, clock, .. } = &ports.required;
        Self { sessions: sessions.clone(), clock: clock.clone() }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// [`SessionNotFound`].
    pub async fn execute(
        &self,
        caller: &Principal,
        id: SessionId,
        request: RequestContext,
    ) -> Result<(), Error<SessionNotFound>> {
        let user = caller.user.id;
        let context = AuditContext::by(caller, self.clock.now(), request);
        if !self.sessions.revoke(user, id, context).await? {
            return Err(Error::Refused(SessionNotFound));
        }
        tracing::info!(event = "session_revoked", user_id = %user);
        Ok(())
    }
}

/// Ends all of the caller's sessions but the current one.
#[non_exhaustive]
pub struct RevokeOtherSessions {
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl RevokeOtherSessions {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        let RequiredPorts { sessions, clock, .. } = &ports.required;
        Self { sessions: sessions.clone(), clock: clock.clone() }
    }

    /// Runs the use-case and returns how many sessions ended.
    ///
    /// # Errors
    /// The store failed; no session has ended.
    pub async fn execute(
        &self,
        caller: &Principal,
        request: RequestContext,
    ) -> Result<u64, PortError> {
        let user = caller.user.id;
        let context = AuditContext::by(caller, self.clock.now(), request);
        let ended = self.sessions.revoke_others(user, caller.session_id, context).await?;
        if ended > 0 {
            tracing::info!(event = "other_sessions_revoked", user_id = %user, ended);
        }
        Ok(ended)
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;
    use uuid::Uuid;

    use super::*;
    use crate::sessions::MockSessionRepository;
    use crate::testing::{self, SESSION, USER, at};

    const OTHER: SessionId = SessionId(Uuid::from_u128(7));

    fn context() -> AuditContext {
        AuditContext::by(&testing::principal(), at(5), testing::request())
    }

    #[tokio::test]
    async fn d2_the_owner_is_asked_for_and_what_is_not_theirs_is_not_found() {
        for live in [true, false] {
            let mut sessions = MockSessionRepository::new();
            sessions
                .expect_revoke()
                .with(eq(USER), eq(OTHER), eq(context()))
                .times(1)
                .return_once(move |_, _, _| Ok(live));
            let use_case = RevokeSession { sessions: Arc::new(sessions), clock: testing::clock(5) };
            let result = use_case.execute(&testing::principal(), OTHER, testing::request()).await;
            assert_eq!(matches!(result, Err(Error::Refused(SessionNotFound))), !live);
        }
    }

    #[tokio::test]
    async fn d3_all_others_end_and_the_callers_stays() {
        let mut sessions = MockSessionRepository::new();
        sessions
            .expect_revoke_others()
            .with(eq(USER), eq(SESSION), eq(context()))
            .times(1)
            .return_once(|_, _, _| Ok(3));
        let use_case =
            RevokeOtherSessions { sessions: Arc::new(sessions), clock: testing::clock(5) };
        let ended = use_case.execute(&testing::principal(), testing::request()).await;
        assert_eq!(ended.unwrap(), 3);
    }
}
