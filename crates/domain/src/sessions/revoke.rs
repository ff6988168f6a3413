//! Use-cases: ending one of one's own sessions, or all others; and those of any account.

use std::sync::Arc;

use crate::access::rights::SessionsEnd;
use crate::access::{Allowed, OutOfReach};
use crate::accounts::{AccountRepository, Authority, UserNotFound};
use crate::common::{Clock, Error, PortError, RequestContext, SessionId, UserId};
use crate::ports::{Ports, RequiredPorts};
use crate::sessions::{SessionOwner, SessionRepository};

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
        owner: SessionOwner,
        id: SessionId,
        request: RequestContext,
    ) -> Result<(), Error<SessionNotFound>> {
        let (user, context) = (owner.user_id, owner.context(&*self.clock, request));
        let revoked = self.sessions.revoke(user, id, Authority::over_oneself(context)).await;
        if !revoked.map_err(on_oneself)? {
            return Err(Error::Refused(SessionNotFound));
        }
        tracing::info!(event = "session_revoked", user_id = %user);
        Ok(())
    }
}

/// Ends all of the caller's sessions but the current one, if there is one.
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
        owner: SessionOwner,
        request: RequestContext,
    ) -> Result<u64, PortError> {
        let (user, context) = (owner.user_id, owner.context(&*self.clock, request));
        let authority = Authority::over_oneself(context);
        let ended = self
            .sessions
            .revoke_all(user, owner.session_id, authority)
            .await
            .map_err(on_oneself)?;
        if ended > 0 {
            tracing::info!(event = "other_sessions_revoked", user_id = %user, ended);
        }
        Ok(ended)
    }
}

/// Nobody is out of their own reach.
fn on_oneself(error: Error<OutOfReach>) -> PortError {
    match error {
        Error::Refused(error) => PortError::internal("sessions", error),
        Error::Port(error) => error,
    }
}

/// Why no session of somebody else was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RevokeUserSessionsError {
    /// Nobody has the id.
    #[error(transparent)]
    UserNotFound(#[from] UserNotFound),
    /// The user has no live session with this id.
    #[error(transparent)]
    SessionNotFound(#[from] SessionNotFound),
    /// The user has rights that the caller does not have.
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
}

/// Ends sessions of any account, for administrators.
#[non_exhaustive]
pub struct RevokeUserSessions {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
}

impl RevokeUserSessions {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        let RequiredPorts { accounts, sessions, .. } = &ports.required;
        Self { accounts: accounts.clone(), sessions: sessions.clone() }
    }

    /// Ends one session of this user.
    ///
    /// # Errors
    /// See [`RevokeUserSessionsError`].
    pub async fn one(
        &self,
        allowed: &Allowed<SessionsEnd>,
        user: UserId,
        id: SessionId,
    ) -> Result<(), Error<RevokeUserSessionsError>> {
        let revoked = self.sessions.revoke(user, id, allowed.authority()).await;
        if !revoked.map_err(Error::cast)? {
            return Err(Error::Refused(SessionNotFound.into()));
        }
        tracing::info!(event = "session_revoked", user_id = %user, by = %allowed.caller());
        Ok(())
    }

    /// Ends all sessions of this user, and returns how many there were. Those of the caller's own
    /// account are no exception.
    ///
    /// # Errors
    /// See [`RevokeUserSessionsError`].
    pub async fn all(
        &self,
        allowed: &Allowed<SessionsEnd>,
        user: UserId,
    ) -> Result<u64, Error<RevokeUserSessionsError>> {
        self.accounts.find(user).await?.ok_or(Error::Refused(UserNotFound.into()))?;
        let ended = self.sessions.revoke_all(user, None, allowed.authority()).await;
        let ended = ended.map_err(Error::cast)?;
        if ended > 0 {
            let by = allowed.caller();
            tracing::info!(event = "all_sessions_revoked", user_id = %user, %by, ended);
        }
        Ok(ended)
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;
    use uuid::Uuid;

    use super::*;
    use crate::accounts::MockAccountRepository;
    use crate::audit::AuditContext;
    use crate::sessions::MockSessionRepository;
    use crate::testing::{self, SESSION, USER, at};

    const OTHER: SessionId = SessionId(Uuid::from_u128(7));

    fn over_oneself() -> Authority {
        let context = AuditContext::by(&testing::principal(), at(5), testing::request());
        Authority::over_oneself(context)
    }

    #[tokio::test]
    async fn d2_the_owner_is_asked_for_and_what_is_not_theirs_is_not_found() {
        for live in [true, false] {
            let mut sessions = MockSessionRepository::new();
            sessions
                .expect_revoke()
                .with(eq(USER), eq(OTHER), eq(over_oneself()))
                .times(1)
                .return_once(move |_, _, _| Ok(live));
            let use_case = RevokeSession { sessions: Arc::new(sessions), clock: testing::clock(5) };
            let result =
                use_case.execute((&testing::principal()).into(), OTHER, testing::request()).await;
            assert_eq!(matches!(result, Err(Error::Refused(SessionNotFound))), !live);
        }
    }

    #[tokio::test]
    async fn d3_all_others_end_and_the_callers_stays() {
        let mut sessions = MockSessionRepository::new();
        sessions
            .expect_revoke_all()
            .with(eq(USER), eq(Some(SESSION)), eq(over_oneself()))
            .times(1)
            .return_once(|_, _, _| Ok(3));
        let use_case =
            RevokeOtherSessions { sessions: Arc::new(sessions), clock: testing::clock(5) };
        let ended = use_case.execute((&testing::principal()).into(), testing::request()).await;
        assert_eq!(ended.unwrap(), 3);
    }

    #[tokio::test]
    async fn d1_administrators_end_sessions_of_accounts_that_there_are() {
        for found in [Some(testing::user()), None] {
            let mut accounts = MockAccountRepository::new();
            let mut sessions = MockSessionRepository::new();
            let is_there = found.is_some();
            accounts.expect_find().with(eq(USER)).return_once(|_| Ok(found));
            let allowed = testing::allowed(9);
            let expected = allowed.authority();
            sessions
                .expect_revoke_all()
                .with(eq(USER), eq(None), eq(expected))
                .times(usize::from(is_there))
                .return_once(|_, _, _| Ok(2));
            let use_case =
                RevokeUserSessions { accounts: Arc::new(accounts), sessions: Arc::new(sessions) };
            let result = use_case.all(&allowed, USER).await;
            assert_eq!(result.ok(), is_there.then_some(2));
        }
    }

    #[tokio::test]
    async fn a2_sessions_of_people_with_more_rights_are_not_ended() {
        let mut sessions = MockSessionRepository::new();
        sessions.expect_revoke().return_once(|_, _, _| Err(Error::Refused(OutOfReach)));
        let accounts = Arc::new(MockAccountRepository::new());
        let use_case = RevokeUserSessions { accounts, sessions: Arc::new(sessions) };
        let refused = use_case.one(&testing::allowed(9), USER, OTHER).await;
        let expected = RevokeUserSessionsError::OutOfReach(OutOfReach);
        assert!(matches!(refused, Err(Error::Refused(error)) if error == expected));
    }
}
