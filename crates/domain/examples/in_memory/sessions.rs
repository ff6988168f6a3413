//! The sessions.

use std::cmp::Reverse;

use async_trait::async_trait;
use menjin_domain::access::{OutOfReach, Reach};
use menjin_domain::accounts::{Authority, User};
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{Error, PortError, SessionId, Timestamp, UserId};
use menjin_domain::sessions::{
    CookieDigest, CreateSessionError, Generation, HandOffDigest, Lineage, LiveSession, NewSession,
    OnExcess, Reauthentication, Rotation, RotationOutcome, Session, SessionQuery,
    SessionRepository, StaleCredentials, TakenHandOff,
};

use super::rows::StoredSession;
use super::store::{State, Store};

impl StoredSession {
    /// Deactivation ends all sessions, so this need not check whether the user is active.
    fn is_live_of(&self, user: UserId, at: Timestamp) -> bool {
        self.session.user_id == user && self.is_live(at)
    }

    fn is_live(&self, at: Timestamp) -> bool {
        self.ended_at.is_none() && at < self.session.expires_at
    }
}

impl State {
    pub(crate) fn find_live(&self, id: SessionId, at: Timestamp) -> Option<LiveSession> {
        let stored = self.sessions.get(&id)?;
        let user = &self.accounts.get(&stored.session.user_id)?.user;
        let live = stored.ended_at.is_none() && stored.session.expires_at > at && user.is_active;
        live.then(|| LiveSession { session: stored.session.clone(), user: user.clone().into() })
    }

    pub(crate) fn end_sessions(&mut self, of: UserId, but: Option<SessionId>, at: Timestamp) {
        for stored in self.sessions.values_mut() {
            if stored.session.user_id == of && Some(stored.session.id) != but {
                stored.ended_at.get_or_insert(at);
            }
        }
    }
}

impl State {
    /// The oldest live sessions of a user, but so many.
    fn excess(&self, of: UserId, kept: u32, at: Timestamp) -> Vec<SessionId> {
        let live = self.sessions.values().filter(|stored| stored.is_live_of(of, at));
        let mut live: Vec<_> = live.map(|stored| stored.session.position()).collect();
        live.sort_by_key(|position| Reverse(*position));
        let kept = usize::try_from(kept).unwrap_or(usize::MAX);
        live.into_iter().skip(kept).map(|position| position.id).collect()
    }

    fn check_reach(&self, user: UserId, reach: &Reach) -> Result<(), Error<OutOfReach>> {
        let user = self.accounts.get(&user).map(|account| account.user.role);
        user.map_or(Ok(()), |role| reach.check(role)).map_err(Error::Refused)
    }
}

#[async_trait]
impl SessionRepository for Store {
    async fn create(&self, new: NewSession) -> Result<User, Error<CreateSessionError>> {
        let (mut state, event) = (self.lock(), new.event());
        let (excess, limit, now) = (new.event_of_excess(), new.limit, new.created_at);
        let account = state.at_version(new.user_id, new.verified_version);
        account.ok_or(Error::Refused(CreateSessionError::from(StaleCredentials)))?;
        let over = limit.map(|limit| state.excess(new.user_id, limit.others(), now));
        let over = over.unwrap_or_default();
        if !over.is_empty() && limit.is_some_and(|limit| limit.on_excess == OnExcess::Refuse) {
            return Err(Error::Refused(CreateSessionError::TooManySessions));
        }
        let account = state.at_version(new.user_id, new.verified_version);
        let account = account.ok_or(Error::Refused(CreateSessionError::from(StaleCredentials)))?;
        account.user.last_login_at = Some(new.created_at);
        let user = account.user.clone();
        let session = Session {
            id: new.id,
            user_id: new.user_id,
            generation: Generation::FIRST,
            created_at: new.created_at,
            last_used_at: new.created_at,
            authenticated_at: new.authenticated_at.unwrap_or(new.created_at),
            has_factor: new.has_factor,
            expires_at: new.expires_at,
            ends_at: new.ends_at,
            client: new.request.client,
        };
        let stored = StoredSession {
            session,
            predecessor: None,
            retries: 0,
            ended_at: None,
            hand_off: None,
            cookie: None,
        };
        for id in &over {
            if let Some(stored) = state.sessions.get_mut(id) {
                stored.ended_at = Some(now);
            }
        }
        state.sessions.insert(new.id, stored);
        state.record(event);
        if !over.is_empty() {
            state.record(excess);
        }
        Ok(user)
    }

    async fn find_live(
        &self,
        id: SessionId,
        at: Timestamp,
    ) -> Result<Option<LiveSession>, PortError> {
        Ok(self.lock().find_live(id, at))
    }

    async fn bind_cookie(
        &self,
        id: SessionId,
        cookie: CookieDigest,
        at: Timestamp,
    ) -> Result<bool, PortError> {
        let mut state = self.lock();
        let stored = state.sessions.get_mut(&id).filter(|stored| stored.is_live(at));
        Ok(stored.map(|stored| stored.cookie = Some(cookie)).is_some())
    }

    async fn find_by_cookie(&self, cookie: CookieDigest) -> Result<Option<SessionId>, PortError> {
        let state = self.lock();
        let mut all = state.sessions.iter();
        let found = all.find(|(_, stored)| stored.cookie.as_ref() == Some(&cookie));
        Ok(found.map(|(id, _)| *id))
    }

    async fn touch(
        &self,
        id: SessionId,
        at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool, PortError> {
        let mut state = self.lock();
        let stored = state.sessions.get_mut(&id).filter(|stored| stored.is_live(at));
        let Some(stored) = stored else { return Ok(false) };
        stored.session.last_used_at = at;
        stored.session.expires_at = expires_at;
        Ok(true)
    }

    async fn offer_hand_off(
        &self,
        id: SessionId,
        code: HandOffDigest,
        at: Timestamp,
        until: Timestamp,
    ) -> Result<bool, PortError> {
        let mut state = self.lock();
        let stored = state.sessions.get_mut(&id).filter(|stored| stored.is_live(at));
        Ok(stored.map(|stored| stored.hand_off = Some((code, until))).is_some())
    }

    async fn take_hand_off(
        &self,
        code: HandOffDigest,
        at: Timestamp,
    ) -> Result<Option<TakenHandOff>, PortError> {
        let mut state = self.lock();
        let has_it = |stored: &&mut StoredSession| {
            let offered = stored.hand_off.as_ref();
            offered.is_some_and(|(known, until)| *known == code && at < *until)
        };
        let found = state.sessions.values_mut().find(has_it).filter(|stored| stored.is_live(at));
        let Some(stored) = found else { return Ok(None) };
        stored.hand_off = None;
        let Session { user_id, has_factor, authenticated_at, ends_at, .. } = stored.session;
        let version = state.accounts.get(&user_id).map(|account| account.version);
        Ok(version.map(|version| TakenHandOff {
            user_id,
            version,
            has_factor,
            authenticated_at,
            ends_at,
        }))
    }

    async fn rotate(&self, rotation: Rotation) -> Result<RotationOutcome, PortError> {
        let Rotation { session_id, user_id, at, .. } = rotation;
        let mut state = self.lock();
        let live = state.find_live(session_id, at).filter(|live| live.user.id == user_id);
        let (Some(live), Some(stored)) = (live, state.sessions.get_mut(&session_id)) else {
            return Ok(RotationOutcome::NotLive);
        };
        let lineage = Lineage {
            current: stored.session.generation,
            predecessor: stored.predecessor,
            last_used_at: stored.session.last_used_at,
            retries: stored.retries,
        };
        let expires_at = rotation.expires_at(stored.session.ends_at);
        let Some(next) = rotation.next(lineage) else {
            stored.ended_at = Some(at);
            state.record(rotation.replayed());
            return Ok(RotationOutcome::Replayed);
        };
        stored.session.generation = next.lineage.current;
        stored.session.last_used_at = next.lineage.last_used_at;
        stored.session.expires_at = expires_at;
        (stored.predecessor, stored.retries) = (next.lineage.predecessor, next.lineage.retries);
        let session = stored.session.clone();
        if let Some(event) = next.event {
            state.record(event);
        }
        Ok(RotationOutcome::Rotated(Box::new(LiveSession { session, user: live.user })))
    }

    async fn reauthenticate(&self, again: Reauthentication) -> Result<bool, PortError> {
        let mut state = self.lock();
        if state.at_version(again.user_id, again.verified_version).is_none() {
            return Ok(false);
        }
        let at = again.context.at;
        let stored = state.sessions.get_mut(&again.session_id);
        let Some(stored) = stored.filter(|stored| stored.is_live_of(again.user_id, at)) else {
            return Ok(false);
        };
        stored.session.authenticated_at = at;
        state.record(again.event());
        Ok(true)
    }

    async fn end(&self, id: SessionId, context: AuditContext) -> Result<bool, PortError> {
        let mut state = self.lock();
        let open = state.sessions.get_mut(&id).filter(|stored| stored.ended_at.is_none());
        let Some(stored) = open else { return Ok(false) };
        stored.ended_at = Some(context.at);
        let user = stored.session.user_id;
        state.record(context.event(AuditAction::LoggedOut).on(user));
        Ok(true)
    }

    async fn list_live(&self, query: SessionQuery) -> Result<(Vec<Session>, u64), PortError> {
        let state = self.lock();
        let records = state.sessions.values();
        let live = records.filter(|stored| stored.is_live_of(query.user_id, query.at));
        let mut found: Vec<Session> = live.map(|stored| stored.session.clone()).collect();
        let total = found.len() as u64;
        found.retain(|session| query.after.is_none_or(|after| session.position() < after));
        found.sort_by_key(|session| Reverse(session.position()));
        found.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        Ok((found, total))
    }

    async fn revoke(
        &self,
        user: UserId,
        id: SessionId,
        Authority { context, reach }: Authority,
    ) -> Result<bool, Error<OutOfReach>> {
        let mut state = self.lock();
        state.check_reach(user, &reach)?;
        let stored = state.sessions.get_mut(&id);
        let live = stored.filter(|stored| stored.is_live_of(user, context.at));
        let Some(stored) = live else { return Ok(false) };
        stored.ended_at = Some(context.at);
        state.record(context.event(AuditAction::SessionRevoked).on(user));
        Ok(true)
    }

    async fn revoke_all(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        Authority { context, reach }: Authority,
    ) -> Result<u64, Error<OutOfReach>> {
        let mut state = self.lock();
        state.check_reach(user, &reach)?;
        let mut ended = 0;
        for stored in state.sessions.values_mut() {
            if Some(stored.session.id) != keep && stored.is_live_of(user, context.at) {
                stored.ended_at = Some(context.at);
                ended += 1;
            }
        }
        if ended > 0 {
            state.record(context.event(AuditAction::of_revoked_sessions(keep)).on(user));
        }
        Ok(ended)
    }

    async fn delete_finished(&self, before: Timestamp) -> Result<u64, PortError> {
        let sessions = &mut self.lock().sessions;
        let all = sessions.len();
        sessions.retain(|_, stored| {
            let end = stored.ended_at.unwrap_or(stored.session.expires_at);
            end.min(stored.session.expires_at) >= before
        });
        Ok((all - sessions.len()) as u64)
    }
}
