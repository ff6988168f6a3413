//! Sessions.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use menjin_domain::access::{OutOfReach, Reach};
use menjin_domain::accounts::{Authority, User};
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{SessionId, Timestamp, UserId};
use menjin_domain::sessions::{
    CookieDigest, CreateSessionError, HandOffDigest, LiveSession, NewSession, OnExcess,
    Reauthentication, Rotation, RotationOutcome, Session, SessionQuery, SessionRepository,
    StaleCredentials, TakenHandOff,
};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::{
    is_live, is_live_of, is_live_of_except, is_older_than, is_open_of_except, is_verified, live,
    live_with_code, oldest_live_of, start_of_sessions,
};
use menjin_infra_sql::rows::TakenRow;

use crate::PostgresStore;
use crate::audit::record;
use crate::error::Abort;
use crate::readers::Read;
use crate::recipients::{lock, user};
use crate::recorded::{Recorded, Subject};
use crate::statements::CreateSession;

#[async_trait]
impl SessionRepository for PostgresStore {
    async fn create(&self, session: NewSession) -> Result<User, Error<CreateSessionError>> {
        // Alone, the session and its record are one statement.
        if session.limit.is_none() {
            let create =
                self.statement(session, |postgres, session| create(postgres, session).boxed());
            return create.await;
        }
        self.transaction(session, |postgres, session| {
            async move {
                // Locks the user's row, so that each of several sees those before it.
                let user = create(postgres, session).await?;
                if let Some(limit) = session.limit {
                    let excess = excess(postgres, session, limit.others()).await?;
                    if !excess.is_empty() {
                        if limit.on_excess == OnExcess::Refuse {
                            let refused = CreateSessionError::TooManySessions;
                            return Err(Abort::Refused(Error::Refused(refused)));
                        }
                        end_all(postgres, excess, session.created_at).await?;
                        record(postgres, &session.event_of_excess()).await?;
                    }
                }
                Ok(user)
            }
            .boxed()
        })
        .await
    }

    async fn find_live(
        &self,
        id: SessionId,
        at: Timestamp,
    ) -> Result<Option<LiveSession>, PortError> {
        if let Read::Done(read) = self.readers.find_live(id, at).await {
            return read;
        }
        self.statement((id, at), |postgres, (id, at)| {
            async move {
                let row: Option<(SessionRow, UserRow)> = live((*id).into(), (*at).into())
                    .select((SessionRow::as_select(), UserRow::as_select()))
                    .get_result(postgres)
                    .await
                    .optional()?;
                Ok(row.map(|(session, user)| live_session(session, user)).transpose()?)
            }
            .boxed()
        })
        .await
    }

    async fn bind_cookie(
        &self,
        id: SessionId,
        cookie: CookieDigest,
        at: Timestamp,
    ) -> Result<bool, PortError> {
        self.statement((id, cookie, at), |postgres, (id, cookie, at)| {
            async move {
                let live = is_live(Id::from(*id), Micros::from(*at));
                let bound = diesel::update(sessions::table.filter(live))
                    .set(sessions::cookie.eq(cookie.as_str()));
                Ok(bound.execute(postgres).await? > 0)
            }
            .boxed()
        })
        .await
    }

    async fn find_by_cookie(&self, cookie: CookieDigest) -> Result<Option<SessionId>, PortError> {
        self.statement(cookie, |postgres, cookie| {
            async move {
                let session = sessions::table.filter(sessions::cookie.eq(cookie.as_str()));
                let id: Option<Id> =
                    session.select(sessions::id).get_result(postgres).await.optional()?;
                Ok(id.map(SessionId::from))
            }
            .boxed()
        })
        .await
    }

    async fn touch(
        &self,
        id: SessionId,
        at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool, PortError> {
        self.statement((id, at, expires_at), |postgres, (id, at, expires_at)| {
            async move {
                let live = is_live(Id::from(*id), Micros::from(*at));
                let (used, expires) = (Micros::from(*at), Micros::from(*expires_at));
                let touched = diesel::update(sessions::table.filter(live))
                    .set((sessions::last_used_at.eq(used), sessions::expires_at.eq(expires)));
                Ok(touched.execute(postgres).await? > 0)
            }
            .boxed()
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
        self.statement((id, code, at, until), |postgres, (id, code, at, until)| {
            async move {
                let live = sessions::table.filter(is_live(Id::from(*id), Micros::from(*at)));
                let until = Some(Micros::from(*until));
                let offered = diesel::update(live).set((
                    sessions::hand_off.eq(code.as_str()),
                    sessions::hand_off_until.eq(until),
                ));
                Ok(offered.execute(postgres).await? > 0)
            }
            .boxed()
        })
        .await
    }

    async fn take_hand_off(
        &self,
        code: HandOffDigest,
        at: Timestamp,
    ) -> Result<Option<TakenHandOff>, PortError> {
        self.transaction((code, at), |postgres, (code, at)| {
            take_hand_off(postgres, code, *at).boxed()
        })
        .await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<RotationOutcome, PortError> {
        let rotated = self.rotate_current(rotation.clone()).await?;
        match rotated {
            Some(live) => Ok(RotationOutcome::Rotated(Box::new(live))),
            None => {
                self.transaction(rotation, |postgres, rotation| {
                    rotate_locked(postgres, rotation).boxed()
                })
                .await
            }
        }
    }

    async fn reauthenticate(&self, again: Reauthentication) -> Result<bool, PortError> {
        self.transaction(again, |postgres, again| reauthenticate(postgres, again).boxed()).await
    }

    async fn end(&self, id: SessionId, context: AuditContext) -> Result<bool, PortError> {
        self.statement((id, context), |postgres, (id, context)| {
            async move {
                let open = sessions::table.find(Id::from(*id)).filter(sessions::ended_at.is_null());
                let end = diesel::update(open)
                    .set(sessions::ended_at.eq(Micros::from(context.at)))
                    .returning(sessions::user_id);
                let event = context.clone().event(AuditAction::LoggedOut);
                let end = Recorded::new(end, event, Subject::Changed("user_id"));
                let ended: Option<i64> = end.get_result(postgres).await.optional()?;
                Ok(ended.is_some())
            }
            .boxed()
        })
        .await
    }

    async fn list_live(&self, query: SessionQuery) -> Result<(Vec<Session>, u64), PortError> {
        self.snapshot(query, |postgres, query| list_live(postgres, query).boxed()).await
    }

    async fn revoke(
        &self,
        user: UserId,
        id: SessionId,
        authority: Authority,
    ) -> Result<bool, Error<OutOfReach>> {
        let is_own = authority.reach == Reach::EVERYBODY;
        let arguments = (user, id, authority);
        if is_own {
            let revoke = self.statement(arguments, |postgres, (user, id, authority)| {
                revoke(postgres, *user, *id, &authority.context).boxed()
            });
            return revoke.await;
        }
        self.transaction(arguments, |postgres, (user, id, authority)| {
            async move {
                check_reach(postgres, *user, &authority.reach).await?;
                revoke(postgres, *user, *id, &authority.context).await
            }
            .boxed()
        })
        .await
    }

    async fn revoke_all(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        authority: Authority,
    ) -> Result<u64, Error<OutOfReach>> {
        self.transaction((user, keep, authority), |postgres, (user, keep, authority)| {
            revoke_all(postgres, *user, *keep, authority).boxed()
        })
        .await
    }

    async fn delete_finished(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM sessions WHERE id IN (
            SELECT id FROM sessions WHERE ended_at < $1 OR expires_at < $1 LIMIT $2
            FOR UPDATE SKIP LOCKED)";
        self.delete_in_parts(statement, before).await
    }
}

async fn create(
    postgres: &mut AsyncPgConnection,
    session: &NewSession,
) -> Result<User, Abort<Error<CreateSessionError>>> {
    let user: Option<UserRow> =
        CreateSession::new(session).get_result(postgres).await.optional()?;
    let user = user.ok_or(Abort::Refused(Error::Refused(StaleCredentials.into())))?;
    Ok(user.try_into()?)
}

/// Whoever changes the password raises the credential version first and ends the sessions then. So while the
/// session is locked and live, the version that is read is not newer than the session.
async fn take_hand_off(
    postgres: &mut AsyncPgConnection,
    code: &HandOffDigest,
    at: Timestamp,
) -> Result<Option<TakenHandOff>, Abort<PortError>> {
    let offered = sessions::table.filter(sessions::hand_off.eq(code.as_str()));
    // The session alone is locked: whoever holds the user's row may be waiting for it.
    let locked = offered.select(sessions::id).for_update();
    let locked: Option<Id> = locked.get_result(postgres).await.optional()?;
    if locked.is_none() {
        return Ok(None);
    }
    let live = live_with_code(code.as_str(), Micros::from(at)).select(TakenRow::COLUMNS);
    let taken: Option<TakenRow> = live.get_result(postgres).await.optional()?;
    let Some(taken) = taken else { return Ok(None) };
    let gone = sessions::hand_off.eq(None::<&str>);
    diesel::update(offered).set(gone).execute(postgres).await?;
    Ok(Some(taken.try_into()?))
}

/// The oldest live sessions of whose session is new, but that one and so many others.
async fn excess(
    postgres: &mut AsyncPgConnection,
    new: &NewSession,
    others: u32,
) -> QueryResult<Vec<Id>> {
    let at = Micros::from(new.created_at);
    oldest_live_of(new.user_id.get(), new.id.into(), at, others.into()).load(postgres).await
}

async fn end_all(postgres: &mut AsyncPgConnection, ids: Vec<Id>, at: Timestamp) -> QueryResult<()> {
    diesel::update(sessions::table.filter(sessions::id.eq_any(ids)))
        .set(sessions::ended_at.eq(Micros::from(at)))
        .execute(postgres)
        .await
        .map(drop)
}

async fn reauthenticate(
    postgres: &mut AsyncPgConnection,
    again: &Reauthentication,
) -> Result<bool, Abort<PortError>> {
    // Lock the user, as whatever changes the password does.
    let account = is_verified(again.user_id.get(), again.verified_version.0);
    let account = users::table.filter(account).select(users::id).for_no_key_update();
    let account: Option<i64> = account.get_result(postgres).await.optional()?;
    if account.is_none() {
        return Ok(false);
    }
    let at = Micros::from(again.context.at);
    let live = sessions::table.find(Id::from(again.session_id));
    let live = live.filter(is_live_of(again.user_id.get(), at));
    let marked = diesel::update(live).set(sessions::authenticated_at.eq(at));
    if marked.execute(postgres).await? == 0 {
        return Ok(false);
    }
    record(postgres, &again.event()).await?;
    Ok(true)
}

async fn list_live(
    postgres: &mut AsyncPgConnection,
    query: &SessionQuery,
) -> Result<(Vec<Session>, u64), Abort<PortError>> {
    let live = sessions::table.filter(is_live_of(query.user_id.get(), query.at.into()));
    let total: i64 = live.count().get_result(postgres).await?;
    let (created_at, id, limit) = start_of_sessions(query);
    let rows: Vec<SessionRow> = live
        .filter(is_older_than(created_at, id))
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .limit(limit)
        .select(SessionRow::as_select())
        .load(postgres)
        .await?;
    let found = rows.into_iter().map(Session::try_from).collect::<Result<_, PortError>>()?;
    Ok((found, u64::try_from(total).unwrap_or(0)))
}

async fn revoke(
    postgres: &mut AsyncPgConnection,
    user: UserId,
    id: SessionId,
    context: &AuditContext,
) -> Result<bool, Abort<Error<OutOfReach>>> {
    let live = is_live_of(user.get(), context.at.into());
    let end = diesel::update(sessions::table.find(Id::from(id)).filter(live))
        .set(sessions::ended_at.eq(Micros::from(context.at)))
        .returning(sessions::user_id);
    let event = context.clone().event(AuditAction::SessionRevoked);
    let end = Recorded::new(end, event, Subject::Changed("user_id"));
    let ended: Option<i64> = end.get_result(postgres).await.optional()?;
    Ok(ended.is_some())
}

/// Whether the user, as they are now, is within reach. Nobody is out of anybody's. Locks the user's row,
/// as every transaction does first that ends several sessions.
async fn check_reach(
    postgres: &mut AsyncPgConnection,
    user: UserId,
    reach: &Reach,
) -> Result<(), Abort<Error<OutOfReach>>> {
    if !lock(postgres, user).await? {
        return Ok(());
    }
    let user: User = self::user(postgres, user).await?;
    reach.check(user.role).map_err(|error| Abort::Refused(Error::Refused(error)))
}

async fn revoke_all(
    postgres: &mut AsyncPgConnection,
    user: UserId,
    keep: Option<SessionId>,
    authority: &Authority,
) -> Result<u64, Abort<Error<OutOfReach>>> {
    check_reach(postgres, user, &authority.reach).await?;
    let context = &authority.context;
    let live = is_live_of_except(user.get(), keep.map(Id::from), context.at.into());
    let ended = diesel::update(sessions::table.filter(live))
        .set(sessions::ended_at.eq(Micros::from(context.at)))
        .execute(postgres)
        .await?;
    if ended > 0 {
        record(postgres, &context.clone().event(AuditAction::of_revoked_sessions(keep)).on(user))
            .await?;
    }
    Ok(ended as u64)
}

/// The uncommon cases of a refresh. The row lock keeps all others away from the session meanwhile.
async fn rotate_locked(
    postgres: &mut AsyncPgConnection,
    rotation: &Rotation,
) -> Result<RotationOutcome, Abort<PortError>> {
    // Lock the session alone: a transaction that holds the user's row may be waiting for this
    // session.
    let session = sessions::table
        .filter(is_live(rotation.session_id.into(), rotation.at.into()))
        .filter(sessions::user_id.eq(rotation.user_id.get()))
        .select((SessionRow::as_select(), PredecessorRow::as_select()))
        .for_update();
    let session: Option<(SessionRow, PredecessorRow)> =
        session.get_result(postgres).await.optional()?;
    let Some((session, predecessor)) = session else { return Ok(RotationOutcome::NotLive) };
    let user = users::table
        .find(rotation.user_id.get())
        .filter(users::is_active)
        .select(UserRow::as_select());
    let user: Option<UserRow> = user.get_result(postgres).await.optional()?;
    let Some(user) = user else { return Ok(RotationOutcome::NotLive) };
    let mut live = live_session(session, user)?;
    let session = sessions::table.find(Id::from(rotation.session_id));
    let Some(next) = rotation.next(predecessor.lineage(&live.session)?) else {
        let ended = diesel::update(session).set(sessions::ended_at.eq(Micros::from(rotation.at)));
        ended.execute(postgres).await?;
        record(postgres, &rotation.replayed()).await?;
        return Ok(RotationOutcome::Replayed);
    };
    live.session.generation = next.lineage.current;
    live.session.last_used_at = rotation.at;
    live.session.expires_at = rotation.expires_at(live.session.ends_at);
    let rotated = diesel::update(session).set(RotationRow::new(next.lineage, &live.session));
    rotated.execute(postgres).await?;
    if let Some(event) = &next.event {
        record(postgres, event).await?;
    }
    Ok(RotationOutcome::Rotated(Box::new(live)))
}

/// Ends the sessions of a user, except the one to keep.
pub(crate) async fn end_open(
    postgres: &mut AsyncPgConnection,
    user: UserId,
    keep: Option<SessionId>,
    at: Micros,
) -> QueryResult<()> {
    let open = sessions::table.filter(is_open_of_except(user.get(), keep.map(Id::from)));
    diesel::update(open).set(sessions::ended_at.eq(at)).execute(postgres).await.map(drop)
}
