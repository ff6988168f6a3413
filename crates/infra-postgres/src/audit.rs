//! The audit records.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use menjin_domain::audit::{AuditAction, AuditEvent, AuditQuery, AuditRecord, AuditRepository};
use menjin_domain::common::Timestamp;
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::postgres::{Events, done_to_others_by, matching, on_account_of};
use menjin_infra_sql::queries::{happened, merged, records};
use menjin_infra_sql::schema::audit_events as events;

use crate::PostgresStore;
use crate::error::Abort;

/// How many events one statement appends. Each has ten parameters, and a statement may have 65,535.
const PART: usize = 1000;

#[async_trait]
impl AuditRepository for PostgresStore {
    async fn append(&self, appended: Vec<AuditEvent>) -> Result<(), PortError> {
        if appended.len() <= PART {
            let all = appended;
            return self
                .statement(all, |postgres, all| {
                    async move { Ok(append(postgres, all).await?) }.boxed()
                })
                .await;
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

    async fn count(
        &self,
        action: AuditAction,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<u64, PortError> {
        self.statement((action, since, until), |postgres, (action, since, until)| {
            async move {
                let span = (Micros::from(*since), Micros::from(*until));
                let counted = happened(action.as_str(), span.0, span.1).count();
                let counted: i64 = counted.get_result(postgres).await?;
                Ok(u64::try_from(counted).unwrap_or(0))
            }
            .boxed()
        })
        .await
    }

    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM audit_events WHERE (at, id) IN (
            SELECT at, id FROM audit_events WHERE at < $1 ORDER BY at LIMIT $2
            FOR UPDATE SKIP LOCKED)";
        self.delete_in_parts(statement, before).await
    }
}

/// Appends events, in the transaction of what they describe if they describe changes.
pub(crate) async fn append(
    postgres: &mut AsyncPgConnection,
    appended: &[AuditEvent],
) -> QueryResult<()> {
    let rows: Vec<_> = appended.iter().map(NewEventRow::from).collect();
    diesel::insert_into(events::table).values(rows).execute(postgres).await.map(drop)
}

/// Appends an event to the change that it describes, in the transaction of that change.
pub(crate) async fn record(
    postgres: &mut AsyncPgConnection,
    event: &AuditEvent,
) -> QueryResult<()> {
    let row = NewEventRow::from(event);
    diesel::insert_into(events::table).values(row).execute(postgres).await.map(drop)
}

async fn of_user(
    postgres: &mut AsyncPgConnection,
    query: &AuditQuery,
) -> Result<Vec<AuditRecord>, Abort<PortError>> {
    let Some(user) = query.filter.user else { return load(postgres, matching(query)).await };
    let on_account = load(postgres, on_account_of(user, query)).await?;
    let done_to_others = load(postgres, done_to_others_by(user, query)).await?;
    Ok(merged(query, on_account, done_to_others))
}

async fn load(
    postgres: &mut AsyncPgConnection,
    query: Events,
) -> Result<Vec<AuditRecord>, Abort<PortError>> {
    Ok(records(query.select(EventRow::as_select()).load(postgres).await?)?)
}
