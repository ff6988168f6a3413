//! Counts of failed logins.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{ClientNetwork, Timestamp, UserId};
use menjin_domain::lockout::{
    Admission, AttemptLimits, FailureCount, Failures, LockoutRepository, LockoutSubject,
};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::{MAX_COUNTS, counts_of, latest_counts_of};
use menjin_infra_sql::schema::login_throttles as throttles;

use crate::PostgresStore;
use crate::audit::record;
use crate::error::Abort;
use crate::statements::{hashtext, locks, pg_advisory_xact_lock};

#[async_trait]
impl LockoutRepository for PostgresStore {
    async fn reserve(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
        limits: AttemptLimits,
        at: Timestamp,
    ) -> Result<Admission, PortError> {
        let arguments = (subject.to_string(), network.to_string(), limits, at);
        self.transaction(arguments, |postgres, (subject, network, limits, at)| {
            async move {
                lock(postgres, subject).await?;
                let of_client = as_of(postgres, subject, network, *at).await?;
                let of_account = as_of(postgres, subject, ALL_NETWORKS, *at).await?;
                match limits.admit(of_client, of_account, *at) {
                    Err(retry_after) => Ok(Admission::Refused { retry_after }),
                    Ok((client, account)) => {
                        let client = NewFailuresRow::new(subject, network, client);
                        store(postgres, &client).await?;
                        let account = NewFailuresRow::new(subject, ALL_NETWORKS, account);
                        store(postgres, &account).await?;
                        Ok(Admission::Admitted)
                    }
                }
            }
            .boxed()
        })
        .await
    }

    async fn succeed(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
    ) -> Result<(), PortError> {
        let arguments = (subject.to_string(), network.to_string());
        self.transaction(arguments, |postgres, (subject, network)| {
            async move {
                lock(postgres, subject).await?;
                let counts = throttles::table.filter(counts_of(subject, network));
                diesel::delete(counts).execute(postgres).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    async fn release(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
    ) -> Result<(), PortError> {
        let arguments = (subject.to_string(), network.to_string());
        self.transaction(arguments, |postgres, (subject, network)| {
            async move {
                lock(postgres, subject).await?;
                let counts = throttles::table.filter(counts_of(subject, network));
                // A count of zero has no row.
                diesel::delete(counts.filter(throttles::failures.le(1))).execute(postgres).await?;
                diesel::update(counts)
                    .set(throttles::failures.eq(throttles::failures - 1))
                    .execute(postgres)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    async fn counts(&self, subject: &LockoutSubject) -> Result<Vec<FailureCount>, PortError> {
        self.statement(subject.to_string(), |postgres, subject| {
            async move {
                let counts = latest_counts_of(subject).limit(MAX_COUNTS);
                let rows: Vec<FailuresRow> = counts.load(postgres).await?;
                let counts = rows.into_iter().map(FailureCount::try_from);
                Ok(counts.collect::<Result<_, _>>()?)
            }
            .boxed()
        })
        .await
    }

    async fn forget(&self, id: UserId, context: AuditContext) -> Result<bool, PortError> {
        self.transaction((id, context), |postgres, (id, context)| {
            async move {
                let was_locked = forget(postgres, *id).await?;
                if was_locked {
                    let event = context.clone().event(AuditAction::LockoutCleared).on(*id);
                    record(postgres, &event).await?;
                }
                Ok(was_locked)
            }
            .boxed()
        })
        .await
    }

    async fn delete_stale(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM login_throttles WHERE (subject, network) IN (
            SELECT subject, network FROM login_throttles WHERE last_failure_at < $1 LIMIT $2
            FOR UPDATE SKIP LOCKED)";
        self.delete_in_parts(statement, before).await
    }
}

/// Waits until no other transaction works on the counts of this subject, and keeps them until the
/// end of the transaction. Row locks would not do, because the rows may not exist yet.
async fn lock(postgres: &mut AsyncPgConnection, subject: &str) -> QueryResult<()> {
    let lock = pg_advisory_xact_lock(locks::THROTTLE, hashtext(subject));
    diesel::select(lock).execute(postgres).await.map(drop)
}

/// Deletes the failures of an account. Returns whether there were any.
pub(crate) async fn forget(postgres: &mut AsyncPgConnection, id: UserId) -> QueryResult<bool> {
    forget_subject(postgres, &LockoutSubject::Account(id)).await
}

/// Deletes the failures of a subject. Returns whether there were any.
pub(crate) async fn forget_subject(
    postgres: &mut AsyncPgConnection,
    subject: &LockoutSubject,
) -> QueryResult<bool> {
    let subject = subject.to_string();
    lock(postgres, &subject).await?;
    let counts = throttles::table.filter(throttles::subject.eq(subject));
    Ok(diesel::delete(counts).execute(postgres).await? > 0)
}

/// The counts that are stored for a subject and a network.
async fn stored(
    postgres: &mut AsyncPgConnection,
    subject: &str,
    network: &str,
) -> Result<Option<Failures>, Abort<PortError>> {
    let row: QueryResult<FailuresRow> =
        throttles::table.find((subject, network)).get_result(postgres).await;
    Ok(row.optional()?.map(Failures::try_from).transpose()?)
}

/// The same as of now, and kept so.
async fn as_of(
    postgres: &mut AsyncPgConnection,
    subject: &str,
    network: &str,
    at: Timestamp,
) -> Result<Option<Failures>, Abort<PortError>> {
    let Some(stored) = stored(postgres, subject, network).await? else { return Ok(None) };
    let failures = stored.as_of(at);
    if failures != stored {
        store(postgres, &NewFailuresRow::new(subject, network, failures)).await?;
    }
    Ok(Some(failures))
}

async fn store(postgres: &mut AsyncPgConnection, row: &NewFailuresRow<'_>) -> QueryResult<()> {
    let insert = diesel::insert_into(throttles::table).values(row);
    let conflict = insert.on_conflict((throttles::subject, throttles::network));
    conflict.do_update().set(row).execute(postgres).await.map(drop)
}
