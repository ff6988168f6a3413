//! Sessions.

use menjin_domain::access::{OutOfReach, Reach};
use menjin_domain::accounts::{Authority, User};
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{SessionId, Timestamp, UserId};
use menjin_domain::sessions::{
    CookieDigest, CreateSessionError, HandOffDigest, LiveSession, NewSession, OnExcess,
    Reauthentication, Rotation, RotationOutcome, Session, SessionQuery, SessionRepository,
    StaleCredentials, TakenHandOff,
};
use menjin_infra_sql::error::bad_column;
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::{
    is_live, is_live_of, is_live_of_except, is_older_than, is_open_of_except, is_verified, live,
    live_with_code, oldest_live_of, start_of_sessions,
};
use menjin_infra_sql::rows::TakenRow;

use crate::SqliteStore;
use crate::audit::record;
use crate::error::OrPortError;
use crate::recipients::find_user;

#[async_trait]
impl SessionRepository for SqliteStore {
    async fn create(&self, session: NewSession) -> Result<User, Error<CreateSessionError>> {
        self.write(move |sqlite| {
            let account = is_verified(session.user_id.get(), session.verified_version.0);
            let seen = diesel::update(users::table.filter(account))
                .set(users::last_login_at.eq(Micros::from(session.created_at)))
                .returning(UserRow::as_returning());
            let user: UserRow = cached(seen)
                .get_result(sqlite)
                .optional()
                .or_port_error()?
                .ok_or(Error::Refused(CreateSessionError::from(StaleCredentials)))?;
            diesel::insert_into(sessions::table)
                .values(NewSessionRow::from(&session))
                .execute(sqlite)
                .or_port_error()?;
            record(sqlite, &session.event())?;
            if let Some(limit) = session.limit {
                let excess = excess(sqlite, &session, limit.others())?;
                if !excess.is_empty() {
                    if limit.on_excess == OnExcess::Refuse {
                        return Err(Error::Refused(CreateSessionError::TooManySessions));
                    }
                    end_all(sqlite, &excess, session.created_at)?;
                    record(sqlite, &session.event_of_excess())?;
                }
            }
            Ok(user.try_into()?)
        })
        .await
    }

    async fn find_live(
        &self,
        id: SessionId,
        at: Timestamp,
    ) -> Result<Option<LiveSession>, PortError> {
        self.lookup(id, at).await
    }

    async fn bind_cookie(
        &self,
        id: SessionId,
        cookie: CookieDigest,
        at: Timestamp,
    ) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let bound = diesel::update(sessions::table.filter(is_live(id.into(), at.into())))
                .set(sessions::cookie.eq(cookie.as_str()));
            Ok(cached(bound).execute(sqlite).or_port_error()? > 0)
        })
        .await
    }

    async fn find_by_cookie(&self, cookie: CookieDigest) -> Result<Option<SessionId>, PortError> {
        self.read(move |sqlite| {
            let session = sessions::table.filter(sessions::cookie.eq(cookie.as_str()));
            let id: Option<Id> =
                session.select(sessions::id).get_result(sqlite).optional().or_port_error()?;
            Ok(id.map(SessionId::from))
        })
        .await
    }

    async fn touch(
        &self,
        id: SessionId,
        at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let live = sessions::table.filter(is_live(id.into(), at.into()));
            let (used, expires) = (Micros::from(at), Micros::from(expires_at));
            let touched = diesel::update(live)
                .set((sessions::last_used_at.eq(used), sessions::expires_at.eq(expires)));
            Ok(cached(touched).execute(sqlite).or_port_error()? > 0)
        })
        .await
    }

    async fn offer_hand_off(
        &self,
        id: SessionId,
        code: HandOffDigest,
        at: Timestamp,
        until: Timestamp,
    ) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let live = sessions::table.filter(is_live(id.into(), at.into()));
            let until = Some(Micros::from(until));
            let offered = diesel::update(live)
                .set((sessions::hand_off.eq(code.as_str()), sessions::hand_off_until.eq(until)));
            Ok(cached(offered).execute(sqlite).or_port_error()? > 0)
        })
        .await
    }

    async fn take_hand_off(
        &self,
        code: HandOffDigest,
        at: Timestamp,
    ) -> Result<Option<TakenHandOff>, PortError> {
        self.write(move |sqlite| {
            let offered = live_with_code(code.as_str(), at.into()).select(TakenRow::COLUMNS);
            let taken: Option<TakenRow> = offered.get_result(sqlite).optional().or_port_error()?;
            let Some(taken) = taken else { return Ok(None) };
            diesel::update(sessions::table.filter(sessions::hand_off.eq(code.as_str())))
                .set(sessions::hand_off.eq(None::<&str>))
                .execute(sqlite)
                .or_port_error()?;
            Ok(Some(taken.try_into()?))
        })
        .await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<RotationOutcome, PortError> {
        self.write(move |sqlite| {
            let found = find_live(sqlite, rotation.session_id, rotation.at)?;
            let Some((mut live, predecessor)) =
                found.filter(|(live, _)| live.user.id == rotation.user_id)
            else {
                return Ok(RotationOutcome::NotLive);
            };
            let Some(next) = rotation.next(predecessor.lineage(&live.session)?) else {
                end(sqlite, rotation.session_id, rotation.at)?;
                record(sqlite, &rotation.replayed())?;
                return Ok(RotationOutcome::Replayed);
            };
            live.session.generation = next.lineage.current;
            live.session.last_used_at = rotation.at;
            live.session.expires_at = rotation.expires_at(live.session.ends_at);
            let rotated = diesel::update(sessions::table.find(Id::from(rotation.session_id)))
                .set(RotationRow::new(next.lineage, &live.session));
            cached(rotated).execute(sqlite).or_port_error()?;
            if let Some(event) = &next.event {
                record(sqlite, event)?;
            }
            Ok(RotationOutcome::Rotated(Box::new(live)))
        })
        .await
    }

    async fn reauthenticate(&self, again: Reauthentication) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let account = is_verified(again.user_id.get(), again.verified_version.0);
            let account = users::table.filter(account).select(users::id);
            let account: Option<i64> = account.get_result(sqlite).optional().or_port_error()?;
            if account.is_none() {
                return Ok(false);
            }
            let at = Micros::from(again.context.at);
            let live = sessions::table.find(Id::from(again.session_id));
            let live = live.filter(is_live_of(again.user_id.get(), at));
            let marked = diesel::update(live).set(sessions::authenticated_at.eq(at));
            if marked.execute(sqlite).or_port_error()? == 0 {
                return Ok(false);
            }
            record(sqlite, &again.event())?;
            Ok(true)
        })
        .await
    }

    async fn end(&self, id: SessionId, context: AuditContext) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let Some(user) = end(sqlite, id, context.at)? else { return Ok(false) };
            record(sqlite, &context.event(AuditAction::LoggedOut).on(user))?;
            Ok(true)
        })
        .await
    }

    async fn list_live(&self, query: SessionQuery) -> Result<(Vec<Session>, u64), PortError> {
        self.read_together(move |sqlite| {
            let live = sessions::table.filter(is_live_of(query.user_id.get(), query.at.into()));
            let total: i64 = live.count().get_result(sqlite).or_port_error()?;
            let (created_at, id, limit) = start_of_sessions(&query);
            let rows: Vec<SessionRow> = live
                .filter(is_older_than(created_at, id))
                .order((sessions::created_at.desc(), sessions::id.desc()))
                .limit(limit)
                .select(SessionRow::as_select())
                .load(sqlite)
                .or_port_error()?;
            let found = rows.into_iter().map(Session::try_from).collect::<Result<_, _>>()?;
            Ok((found, u64::try_from(total).unwrap_or(0)))
        })
        .await
    }

    async fn revoke(
        &self,
        user: UserId,
        id: SessionId,
        authority: Authority,
    ) -> Result<bool, Error<OutOfReach>> {
        self.write(move |sqlite| {
            let context = &authority.context;
            check_reach(sqlite, user, &authority.reach)?;
            let live = is_live_of(user.get(), context.at.into());
            let ended = diesel::update(sessions::table.find(Id::from(id)).filter(live))
                .set(sessions::ended_at.eq(Micros::from(context.at)))
                .execute(sqlite)
                .or_port_error()?;
            if ended > 0 {
                record(sqlite, &context.clone().event(AuditAction::SessionRevoked).on(user))?;
            }
            Ok(ended > 0)
        })
        .await
    }

    async fn revoke_all(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        authority: Authority,
    ) -> Result<u64, Error<OutOfReach>> {
        self.write(move |sqlite| {
            let context = &authority.context;
            check_reach(sqlite, user, &authority.reach)?;
            let live = is_live_of_except(user.get(), keep.map(Id::from), context.at.into());
            let ended = diesel::update(sessions::table.filter(live))
                .set(sessions::ended_at.eq(Micros::from(context.at)))
                .execute(sqlite)
                .or_port_error()?;
            if ended > 0 {
                let action = AuditAction::of_revoked_sessions(keep);
                record(sqlite, &context.clone().event(action).on(user))?;
            }
            Ok(ended as u64)
        })
        .await
    }

    async fn delete_finished(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM sessions WHERE id IN (
            SELECT id FROM sessions WHERE ended_at < ?1 OR expires_at < ?1 LIMIT ?2)";
        self.delete_in_parts(statement, before).await
    }
}

/// Whether the user, as they are now, is within reach. Nobody is out of anybody's.
fn check_reach(
    sqlite: &mut SqliteConnection,
    user: UserId,
    reach: &Reach,
) -> Result<(), Error<OutOfReach>> {
    let Some(user) = find_user(sqlite, user)? else { return Ok(()) };
    reach.check(user.role).map_err(Error::Refused)
}

pub(crate) fn find_live(
    sqlite: &mut SqliteConnection,
    id: SessionId,
    at: Timestamp,
) -> Result<Option<(LiveSession, PredecessorRow)>, PortError> {
    let row: Option<(SessionRow, UserRow, PredecessorRow)> = live(id.into(), at.into())
        .select((SessionRow::as_select(), UserRow::as_select(), PredecessorRow::as_select()))
        .get_result(sqlite)
        .optional()
        .or_port_error()?;
    let Some((session, user, predecessor)) = row else { return Ok(None) };
    Ok(Some((live_session(session, user)?, predecessor)))
}

/// Ends the session. Returns its user if the session had not ended before.
fn end(
    sqlite: &mut SqliteConnection,
    id: SessionId,
    at: Timestamp,
) -> Result<Option<UserId>, PortError> {
    let open = sessions::table.find(Id::from(id)).filter(sessions::ended_at.is_null());
    let ended = diesel::update(open)
        .set(sessions::ended_at.eq(Micros::from(at)))
        .returning(sessions::user_id)
        .get_result::<i64>(sqlite);
    let bad = || bad_column("sessions", "user_id", id.to_string());
    let user = ended.optional().or_port_error()?;
    user.map(|user| UserId::try_from(user).map_err(|_invalid| bad())).transpose()
}

/// The oldest live sessions of whose session is new, but that one and so many others.
fn excess(
    sqlite: &mut SqliteConnection,
    new: &NewSession,
    others: u32,
) -> Result<Vec<Id>, PortError> {
    let at = Micros::from(new.created_at);
    let oldest = oldest_live_of(new.user_id.get(), new.id.into(), at, others.into());
    oldest.load(sqlite).or_port_error()
}

fn end_all(sqlite: &mut SqliteConnection, ids: &[Id], at: Timestamp) -> Result<(), PortError> {
    diesel::update(sessions::table.filter(sessions::id.eq_any(ids)))
        .set(sessions::ended_at.eq(Micros::from(at)))
        .execute(sqlite)
        .or_port_error()
        .map(drop)
}

/// Ends the sessions of a user, except the one to keep.
pub(crate) fn end_open(
    sqlite: &mut SqliteConnection,
    user: UserId,
    keep: Option<SessionId>,
    at: Micros,
) -> Result<(), PortError> {
    diesel::update(sessions::table.filter(is_open_of_except(user.get(), keep.map(Id::from))))
        .set(sessions::ended_at.eq(at))
        .execute(sqlite)
        .or_port_error()
        .map(drop)
}
