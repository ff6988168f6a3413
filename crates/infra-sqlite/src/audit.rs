use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel::sqlite::Sqlite;
use menjin_domain::audit::{
    AuditAction, AuditEvent, AuditOrder, AuditOutcome, AuditQuery, AuditRecord, AuditRepository,
};
use menjin_domain::common::{PortError, Timestamp, UserId};

use crate::SqliteStore;
use crate::changes::NewEventRow;
use crate::convert::micros;
use crate::error::OrPortError;
use crate::rows::EventRow;
use crate::schema::audit_events::{self as events, BoxedQuery};

#[async_trait]
impl AuditRepository for SqliteStore {
    async fn append(&self, appended: Vec<AuditEvent>) -> Result<(), PortError> {
        // One by one, of one prepared statement: diesel's batches are that too, in transactions of
        // their own.
        self.write(move |sqlite| appended.iter().try_for_each(|event| record(sqlite, event))).await
    }

    async fn list(&self, query: AuditQuery) -> Result<Vec<AuditRecord>, PortError> {
        self.read_together(move |sqlite| {
            let Some(user) = query.filter.user else {
                return load(sqlite, matching(&query));
            };
            // Two walks along two indices: one for either is none for both.
            let mut records = load(sqlite, on_account_of(user, &query))?;
            records.extend(load(sqlite, done_to_others_by(user, &query))?);
            match query.order {
                AuditOrder::NewestFirst => {
                    records.sort_by_key(|record| std::cmp::Reverse(record.position()));
                }
                AuditOrder::OldestFirst => records.sort_by_key(AuditRecord::position),
            }
            records.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
            Ok(records)
        })
        .await
    }

    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM audit_events WHERE id IN (
            SELECT id FROM audit_events WHERE at < ?1 ORDER BY at LIMIT ?2)";
        self.delete_in_parts(statement, before).await
    }
}

/// Appends an event to the change that it tells of, in its transaction.
pub(crate) fn record(sqlite: &mut SqliteConnection, event: &AuditEvent) -> Result<(), PortError> {
    let row = NewEventRow::from(event);
    diesel::insert_into(events::table).values(row).execute(sqlite).or_port_error().map(drop)
}

type Query = BoxedQuery<'static, Sqlite>;

fn on_account_of(user: UserId, query: &AuditQuery) -> Query {
    matching(query).filter(events::subject_id.eq(user.get()))
}

fn done_to_others_by(user: UserId, query: &AuditQuery) -> Query {
    // As the partial index has it: only so does SQLite see that it will do.
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
        rows = rows.filter(events::at.ge(micros(since)));
    }
    if let Some(until) = filter.until {
        rows = rows.filter(events::at.lt(micros(until)));
    }
    if let Some(place) = query.beyond {
        let (at, id) = (micros(place.at), place.id.0);
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

fn load(sqlite: &mut SqliteConnection, query: Query) -> Result<Vec<AuditRecord>, PortError> {
    let rows: Vec<EventRow> = query.select(EventRow::as_select()).load(sqlite).or_port_error()?;
    rows.into_iter().map(AuditRecord::try_from).collect()
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;
    use diesel::debug_query;
    use diesel::sql_types::Text;
    use menjin_domain::audit::AuditFilter;
    use menjin_domain::audit::{AuditPosition, AuditRecordId};

    use super::*;

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    /// How SQLite goes about a query.
    fn plan(query: &Query) -> String {
        let sql = debug_query::<Sqlite, _>(query).to_string();
        let sql = sql.split(" -- binds").next().unwrap_or_default();
        let mut sqlite = SqliteConnection::establish(":memory:").unwrap();
        let schema = include_str!("../../../migrations/sqlite/0001_initial/up.sql");
        sqlite.batch_execute(schema).unwrap();
        let steps = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}"));
        let steps: Vec<Step> = steps.load(&mut sqlite).unwrap();
        steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn every_page_is_a_walk_along_an_index() {
        let (all, user) = (AuditFilter::default(), UserId::FIRST);
        let query = |filter| {
            let place = AuditPosition { at: Timestamp::UNIX_EPOCH, id: AuditRecordId(1) };
            let order = AuditOrder::NewestFirst;
            AuditQuery { filter, order, beyond: Some(place), limit: 21 }
        };
        let action = |action| query(AuditFilter { action: Some(action), ..all });
        let failures = query(AuditFilter { outcome: Some(AuditOutcome::Failure), ..all });
        let oldest = AuditQuery { order: AuditOrder::OldestFirst, ..query(all) };
        for (query, index) in [
            (matching(&query(all)), "audit_events_at"),
            (matching(&oldest), "audit_events_at"),
            (matching(&failures), "audit_events_failures"),
            (matching(&action(AuditAction::LockoutCleared)), "audit_events_action"),
            (matching(&action(AuditAction::Refreshed)), "audit_events_at"),
            (on_account_of(user, &query(all)), "audit_events_subject"),
            (done_to_others_by(user, &query(all)), "audit_events_actor"),
        ] {
            let plan = plan(&query);
            assert!(plan.contains(&format!("USING INDEX {index} ")), "{index}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "nothing is sorted: {plan}");
        }
    }
}
