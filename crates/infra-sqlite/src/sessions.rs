use async_trait::async_trait;
use diesel::prelude::*;
use menjin_domain::accounts::User;
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{Error, PortError, SessionId, Timestamp, UserId};
use menjin_domain::sessions::{
    Generation, LiveSession, NewSession, Rotation, RotationOutcome, Session, SessionRepository,
    StaleCredentials,
};

use crate::SqliteStore;
use crate::audit::record;
use crate::convert::{micros, span};
use crate::error::{OrPortError, bad_column};
use crate::rows::{SessionRow, UserRow};
use crate::schema::{sessions, users};

#[async_trait]
impl SessionRepository for SqliteStore {
    async fn create(&self, session: NewSession) -> Result<User, Error<StaleCredentials>> {
        self.write(move |sqlite| {
            let account = users::table
                .find(session.user_id.get())
                .filter(users::is_active)
                .filter(users::credential_version.eq(session.verified_version.0));
            let user = diesel::update(account)
                .set(users::last_login_at.eq(micros(session.created_at)))
                .returning(UserRow::as_returning())
                .get_result(sqlite)
                .optional()
                .or_port_error()?
                .ok_or(Error::Refused(StaleCredentials))?;
            diesel::insert_into(sessions::table)
                .values((
                    sessions::id.eq(session.id.0.as_bytes().as_slice()),
                    sessions::user_id.eq(session.user_id.get()),
                    sessions::generation.eq(Generation::FIRST.0),
                    sessions::created_at.eq(micros(session.created_at)),
                    sessions::last_used_at.eq(micros(session.created_at)),
                    sessions::expires_at.eq(micros(session.expires_at)),
                    sessions::client_address.eq(session.request.client.address.to_string()),
                    sessions::user_agent.eq(&session.request.client.user_agent),
                ))
                .execute(sqlite)
                .or_port_error()?;
            record(sqlite, &session.event())?;
            Ok(user.try_into()?)
        })
        .await
    }

    async fn find_live(
        &self,
        id: SessionId,
        at: Timestamp,
    ) -> Result<Option<LiveSession>, PortError> {
        self.look_up(id, at).await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<RotationOutcome, PortError> {
        self.write(move |sqlite| {
            let Some((mut live, lineage)) = find_live(sqlite, rotation.session_id, rotation.at)?
                .filter(|(live, _lineage)| live.user.id == rotation.user_id)
            else {
                return Ok(RotationOutcome::NotLive);
            };
            let lineage = if rotation.presented == live.session.generation {
                Lineage {
                    predecessor: Some(rotation.presented.0),
                    rotated_at: Some(micros(rotation.at)),
                }
            } else if lineage.admits(&rotation) {
                lineage
            } else {
                end(sqlite, rotation.session_id, rotation.at)?;
                record(sqlite, &rotation.replayed())?;
                return Ok(RotationOutcome::Replayed);
            };
            live.session.generation = Generation(live.session.generation.0 + 1);
            live.session.last_used_at = rotation.at;
            diesel::update(sessions::table.find(rotation.session_id.0.as_bytes().as_slice()))
                .set((
                    sessions::generation.eq(live.session.generation.0),
                    sessions::predecessor.eq(lineage.predecessor),
                    sessions::rotated_at.eq(lineage.rotated_at),
                    sessions::last_used_at.eq(micros(rotation.at)),
                ))
                .execute(sqlite)
                .or_port_error()?;
            if rotation.recorded {
                record(sqlite, &rotation.refreshed())?;
            }
            Ok(RotationOutcome::Rotated(Box::new(live)))
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

    async fn delete_finished(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM sessions WHERE id IN (
            SELECT id FROM sessions WHERE ended_at < ?1 OR expires_at < ?1 LIMIT ?2)";
        self.delete_in_parts(statement, before).await
    }
}

/// Which generation was rotated away last, and when.
#[derive(Queryable)]
pub(crate) struct Lineage {
    predecessor: Option<i64>,
    rotated_at: Option<i64>,
}

impl Lineage {
    /// Whether the one presented is the predecessor, and its grace is not over. That the current
    /// one has not been used is implied: else it were the predecessor.
    fn admits(&self, rotation: &Rotation) -> bool {
        let since = self.rotated_at.map(|at| micros(rotation.at).saturating_sub(at));
        self.predecessor == Some(rotation.presented.0)
            && since.is_some_and(|since| since < span(rotation.grace))
    }
}

pub(crate) fn find_live(
    sqlite: &mut SqliteConnection,
    id: SessionId,
    at: Timestamp,
) -> Result<Option<(LiveSession, Lineage)>, PortError> {
    let live = sessions::table
        .inner_join(users::table)
        .filter(sessions::id.eq(id.0.as_bytes().as_slice()))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(micros(at)))
        .filter(users::is_active)
        .select((
            SessionRow::as_select(),
            UserRow::as_select(),
            (sessions::predecessor, sessions::rotated_at),
        ));
    let row: Option<(SessionRow, UserRow, Lineage)> =
        live.get_result(sqlite).optional().or_port_error()?;
    let Some((session, user, lineage)) = row else { return Ok(None) };
    let (session, user) = (Session::try_from(session)?, User::try_from(user)?.into());
    Ok(Some((LiveSession { session, user }, lineage)))
}

/// Ends the session; whose it was, if it had not ended before.
fn end(
    sqlite: &mut SqliteConnection,
    id: SessionId,
    at: Timestamp,
) -> Result<Option<UserId>, PortError> {
    let open =
        sessions::table.find(id.0.as_bytes().as_slice()).filter(sessions::ended_at.is_null());
    let ended = diesel::update(open)
        .set(sessions::ended_at.eq(micros(at)))
        .returning(sessions::user_id)
        .get_result::<i64>(sqlite);
    let bad = || bad_column("sessions", "user_id", id.to_string());
    let user = ended.optional().or_port_error()?;
    user.map(|user| UserId::try_from(user).map_err(|_invalid| bad())).transpose()
}
