use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use menjin_domain::audit::{
    AuditAction, AuditEvent, AuditOrder, AuditOutcome, AuditQuery, AuditRecord, AuditRepository,
};
use menjin_domain::common::{PortError, Timestamp, UserId};

use crate::PostgresStore;
use crate::changes::NewEventRow;
use crate::convert::stored;
use crate::error::Abort;
use crate::rows::EventRow;
use crate::schema::audit_events::{self as events, BoxedQuery};

/// How many events one statement appends. Each has ten parameters, of the 65,535 that there may be.
const PART: usize = 1000;

#[async_trait]
impl AuditRepository for PostgresStore {
    async fn append(&self, appended: Vec<AuditEvent>) -> Result<(), PortError> {
        if appended.len() <= PART {
            return self.statement(appended, |postgres, all| append(postgres, all).boxed()).await;
        }
        self.transaction(appended, |postgres, all| {
            async move {
                for part in all.chunks(PART) {
                    append(postgres, part).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    async fn list(&self, query: AuditQuery) -> Result<Vec<AuditRecord>, PortError> {
        if query.filter.user.is_some() {
            return self.snapshot(query, |postgres, query| of_user(postgres, query).boxed()).await;
        }
        self.statement(query, |postgres, query| load(postgres, matching(query)).boxed()).await
    }

    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM audit_events WHERE (at, id) IN (
            SELECT at, id FROM audit_events WHERE at < $1 ORDER BY at LIMIT $2
            FOR UPDATE SKIP LOCKED)";
        self.delete_in_parts(statement, before).await
    }
}

async fn append(
    postgres: &mut AsyncPgConnection,
    appended: &[AuditEvent],
) -> Result<(), Abort<PortError>> {
    let rows: Vec<_> = appended.iter().map(NewEventRow::from).collect();
    diesel::insert_into(events::table).values(rows).execute(postgres).await?;
    Ok(())
}

/// Appends an event to the change that it tells of, in its transaction.
pub(crate) async fn record(
    postgres: &mut AsyncPgConnection,
    event: &AuditEvent,
) -> QueryResult<()> {
    let row = NewEventRow::from(event);
    diesel::insert_into(events::table).values(row).execute(postgres).await.map(drop)
}

/// Two walks along two indices: one for either is none for both.
async fn of_user(
    postgres: &mut AsyncPgConnection,
    query: &AuditQuery,
) -> Result<Vec<AuditRecord>, Abort<PortError>> {
    let Some(user) = query.filter.user else { return load(postgres, matching(query)).await };
    let mut records = load(postgres, on_account_of(user, query)).await?;
    records.extend(load(postgres, done_to_others_by(user, query)).await?);
    match query.order {
        AuditOrder::NewestFirst => {
            records.sort_by_key(|record| std::cmp::Reverse(record.position()));
        }
        AuditOrder::OldestFirst => records.sort_by_key(AuditRecord::position),
    }
    records.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
    Ok(records)
}

type Query = BoxedQuery<'static, Pg>;

fn on_account_of(user: UserId, query: &AuditQuery) -> Query {
    matching(query).filter(events::subject_id.eq(user.get()))
}

fn done_to_others_by(user: UserId, query: &AuditQuery) -> Query {
    // As the partial index has it: only so does PostgreSQL see that it will do.
    let others = sql::<Bool>("actor_id IS NOT NULL AND actor_id IS DISTINCT FROM subject_id");
    matching(query).filter(events::actor_id.eq(user.get())).filter(others)
}

/// What matches but for the user, in order, no more than asked for.
fn matching(query: &AuditQuery) -> Query {
    let filter = &query.filter;
    let mut rows = events::table.into_boxed();
    if let Some(action) = filter.action {
        rows = rows.filter(events::action.eq(action.as_str()));
        if action != AuditAction::Refreshed {
            // Said for the sake of the partial index.
            rows = rows.filter(sql::<Bool>("action <> 'refreshed'"));
        }
    }
    match filter.outcome {
        Some(AuditOutcome::Success) => rows = rows.filter(sql::<Bool>("outcome = 'success'")),
        // Written out, not bound: for the partial index.
        Some(AuditOutcome::Failure) => rows = rows.filter(sql::<Bool>("outcome = 'failure'")),
        None => {}
    }
    if let Some(since) = filter.since {
        rows = rows.filter(events::at.ge(stored(since)));
    }
    if let Some(until) = filter.until {
        rows = rows.filter(events::at.lt(stored(until)));
    }
    if let Some(place) = query.beyond {
        let (at, id) = (stored(place.at), place.id.0);
        rows = match query.order {
            AuditOrder::NewestFirst => {
                rows.filter(events::at.le(at)).filter(events::at.lt(at).or(events::id.lt(id)))
            }
            AuditOrder::OldestFirst => {
                rows.filter(events::at.ge(at)).filter(events::at.gt(at).or(events::id.gt(id)))
            }
        };
    }
    let rows = match query.order {
        AuditOrder::NewestFirst => rows.order((events::at.desc(), events::id.desc())),
        AuditOrder::OldestFirst => rows.order((events::at.asc(), events::id.asc())),
    };
    rows.limit(i64::try_from(query.limit).unwrap_or(i64::MAX))
}

async fn load(
    postgres: &mut AsyncPgConnection,
    query: Query,
) -> Result<Vec<AuditRecord>, Abort<PortError>> {
    let rows: Vec<EventRow> = query.select(EventRow::as_select()).load(postgres).await?;
    Ok(rows.into_iter().map(AuditRecord::try_from).collect::<Result<_, _>>()?)
}
