use async_trait::async_trait;
use diesel::pg::data_types::PgTimestamp;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use menjin_domain::accounts::User;
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{Error, PortError, SessionId, Timestamp};
use menjin_domain::sessions::{
    Generation, LiveSession, NewSession, Rotation, RotationOutcome, Session, SessionRepository,
    StaleCredentials,
};

use crate::PostgresStore;
use crate::audit::record;
use crate::convert::{since, span, stored};
use crate::error::Abort;
use crate::readers::Read;
use crate::recorded::{Recorded, Subject};
use crate::rows::{SessionRow, UserRow};
use crate::schema::{sessions, users};
use crate::statements::CreateSession;

#[async_trait]
impl SessionRepository for PostgresStore {
    async fn create(&self, session: NewSession) -> Result<User, Error<StaleCredentials>> {
        self.statement(session, |postgres, session| {
            async move {
                let user: Option<UserRow> =
                    CreateSession::new(session).get_result(postgres).await.optional()?;
                let user = user.ok_or(Abort::Refused(Error::Refused(StaleCredentials)))?;
                Ok(user.try_into()?)
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
                let live = sessions::table
                    .inner_join(users::table)
                    .filter(sessions::id.eq(id.0))
                    .filter(sessions::ended_at.is_null())
                    .filter(sessions::expires_at.gt(stored(*at)))
                    .filter(users::is_active)
                    .select((SessionRow::as_select(), UserRow::as_select()));
                let row: Option<(SessionRow, UserRow)> =
                    live.get_result(postgres).await.optional()?;
                Ok(row.map(live_session).transpose()?)
            }
            .boxed()
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

    async fn end(&self, id: SessionId, context: AuditContext) -> Result<bool, PortError> {
        self.statement((id, context), |postgres, (id, context)| {
            async move {
                let open = sessions::table.find(id.0).filter(sessions::ended_at.is_null());
                let end = diesel::update(open)
                    .set(sessions::ended_at.eq(stored(context.at)))
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

    async fn delete_finished(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM sessions WHERE id IN (
            SELECT id FROM sessions WHERE ended_at < $1 OR expires_at < $1 LIMIT $2
            FOR UPDATE SKIP LOCKED)";
        self.delete_in_parts(statement, before).await
    }
}

/// Which generation was rotated away last, and when.
#[derive(Queryable)]
struct Lineage {
    predecessor: Option<i64>,
    rotated_at: Option<PgTimestamp>,
}

impl Lineage {
    /// Whether the one presented is the predecessor, and its grace is not over. That the current
    /// one has not been used is implied: else it were the predecessor.
    fn admits(&self, rotation: &Rotation) -> bool {
        let since = self.rotated_at.map(|at| since(stored(rotation.at), at));
        self.predecessor == Some(rotation.presented.0)
            && since.is_some_and(|since| since < span(rotation.grace))
    }
}

/// The uncommon cases of a refresh, with nobody else at the session meanwhile.
async fn rotate_locked(
    postgres: &mut AsyncPgConnection,
    rotation: &Rotation,
) -> Result<RotationOutcome, Abort<PortError>> {
    // The session alone: whoever holds the user's row may be waiting for this one.
    let session = sessions::table
        .filter(sessions::id.eq(rotation.session_id.0))
        .filter(sessions::user_id.eq(rotation.user_id.get()))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(stored(rotation.at)))
        .select((SessionRow::as_select(), (sessions::predecessor, sessions::rotated_at)))
        .for_update();
    let session: Option<(SessionRow, Lineage)> = session.get_result(postgres).await.optional()?;
    let Some((session, lineage)) = session else { return Ok(RotationOutcome::NotLive) };
    let user = users::table
        .find(rotation.user_id.get())
        .filter(users::is_active)
        .select(UserRow::as_select());
    let user: Option<UserRow> = user.get_result(postgres).await.optional()?;
    let Some(user) = user else { return Ok(RotationOutcome::NotLive) };
    let mut live = live_session((session, user))?;
    let lineage = if rotation.presented == live.session.generation {
        Lineage { predecessor: Some(rotation.presented.0), rotated_at: Some(stored(rotation.at)) }
    } else if lineage.admits(rotation) {
        lineage
    } else {
        let session = sessions::table.find(rotation.session_id.0);
        let ended = diesel::update(session).set(sessions::ended_at.eq(stored(rotation.at)));
        ended.execute(postgres).await?;
        record(postgres, &rotation.replayed()).await?;
        return Ok(RotationOutcome::Replayed);
    };
    live.session.generation = Generation(live.session.generation.0 + 1);
    live.session.last_used_at = rotation.at;
    diesel::update(sessions::table.find(rotation.session_id.0))
        .set((
            sessions::generation.eq(live.session.generation.0),
            sessions::predecessor.eq(lineage.predecessor),
            sessions::rotated_at.eq(lineage.rotated_at),
            sessions::last_used_at.eq(stored(rotation.at)),
        ))
        .execute(postgres)
        .await?;
    if rotation.recorded {
        record(postgres, &rotation.refreshed()).await?;
    }
    Ok(RotationOutcome::Rotated(Box::new(live)))
}

pub(crate) fn live_session(
    (session, user): (SessionRow, UserRow),
) -> Result<LiveSession, PortError> {
    Ok(LiveSession { session: Session::try_from(session)?, user: User::try_from(user)?.into() })
}
