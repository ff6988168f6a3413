//! The audit records.

use menjin_domain::audit::{AuditAction, AuditEvent, AuditQuery, AuditRecord, AuditRepository};
use menjin_domain::common::Timestamp;
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::sqlite::{Events, done_to_others_by, matching, on_account_of};
use menjin_infra_sql::queries::{happened, merged, records};
use menjin_infra_sql::schema::audit_events as events;

use crate::SqliteStore;
use crate::error::OrPortError;

#[async_trait]
impl AuditRepository for SqliteStore {
    async fn append(&self, appended: Vec<AuditEvent>) -> Result<(), PortError> {
        // One insert per record, with one prepared statement. diesel's batches do the same, but in
        // their own transactions.
        self.write(move |sqlite| appended.iter().try_for_each(|event| record(sqlite, event))).await
    }

    async fn list(&self, query: AuditQuery) -> Result<Vec<AuditRecord>, PortError> {
        self.read_together(move |sqlite| {
            let Some(user) = query.filter.user else {
                return load(sqlite, matching(&query));
            };
            let on_account = load(sqlite, on_account_of(user, &query))?;
            let done_to_others = load(sqlite, done_to_others_by(user, &query))?;
            Ok(merged(&query, on_account, done_to_others))
        })
        .await
    }

    async fn count(
        &self,
        action: AuditAction,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<u64, PortError> {
        self.read(move |sqlite| {
            let counted = happened(action.as_str(), since.into(), until.into()).count();
            let counted: i64 = counted.get_result(sqlite).or_port_error()?;
            Ok(u64::try_from(counted).unwrap_or(0))
        })
        .await
    }

    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM audit_events WHERE id IN (
            SELECT id FROM audit_events WHERE at < ?1 ORDER BY at LIMIT ?2)";
        self.delete_in_parts(statement, before).await
    }
}

/// Appends an event to the change that it describes, in the transaction of that change.
pub(crate) fn record(sqlite: &mut SqliteConnection, event: &AuditEvent) -> Result<(), PortError> {
    let row = NewEventRow::from(event);
    diesel::insert_into(events::table).values(row).execute(sqlite).or_port_error().map(drop)
}

fn load(sqlite: &mut SqliteConnection, query: Events) -> Result<Vec<AuditRecord>, PortError> {
    records(query.select(EventRow::as_select()).load(sqlite).or_port_error()?)
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;
    use diesel::debug_query;
    use diesel::sql_types::Text;
    use diesel::sqlite::Sqlite;
    use menjin_domain::audit::{
        AuditAction, AuditFilter, AuditOrder, AuditOutcome, AuditPosition, AuditRecordId,
        ChangedField,
    };
    use menjin_domain::common::UserId;

    use super::*;

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    /// The query plan of SQLite.
    fn plan(query: &Events) -> String {
        let sql = debug_query::<Sqlite, _>(query).to_string();
        let sql = sql.split(" -- binds").next().unwrap_or_default();
        let mut sqlite = SqliteConnection::establish(":memory:").unwrap();
        for migration in crate::open::MIGRATIONS {
            sqlite.batch_execute(migration.up).unwrap();
        }
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
        let changed = query(AuditFilter { changed: Some(ChangedField::Role), ..all });
        let failures = query(AuditFilter { outcome: Some(AuditOutcome::Failure), ..all });
        let oldest = AuditQuery { order: AuditOrder::OldestFirst, ..query(all) };
        for (query, index) in [
            (matching(&query(all)), "audit_events_at"),
            (matching(&oldest), "audit_events_at"),
            (matching(&failures), "audit_events_failures"),
            (matching(&changed), "audit_events_changed"),
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
