use async_trait::async_trait;
use diesel::pg::data_types::PgTimestamp;
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{ClientNetwork, PortError, Timestamp, UserId};
use menjin_domain::lockout::{
    Admission, AttemptLimits, FailureCount, Limit, LockoutRepository, LockoutSubject,
};

use crate::PostgresStore;
use crate::audit::record;
use crate::convert::{duration, moment, since, span, stored};
use crate::error::bad_column;
use crate::schema::login_throttles as throttles;
use crate::statements::{hashtext, locks, pg_advisory_xact_lock};

/// The network of a subject's count over all networks.
const ALL: &str = "";
/// How many counts of a subject are shown at most: the one over all networks, which has the latest
/// failure, and a hundred more.
const MAX_COUNTS: i64 = 101;

#[async_trait]
impl LockoutRepository for PostgresStore {
    async fn reserve(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
        limits: AttemptLimits,
        at: Timestamp,
    ) -> Result<Admission, PortError> {
        let arguments = (subject.to_string(), network.to_string(), limits, stored(at));
        self.transaction(arguments, |postgres, (subject, network, limits, at)| {
            async move {
                lock(postgres, subject).await?;
                let of_client =
                    Count::read(postgres, subject, network, limits.per_client, *at).await?;
                let of_account =
                    Count::read(postgres, subject, ALL, limits.per_account, *at).await?;
                let waits = [
                    of_client.wait(limits.per_client, *at),
                    of_account.wait(limits.per_account, *at),
                ];
                if let Some(wait) = waits.into_iter().flatten().max() {
                    return Ok(Admission::Refused { retry_after: duration(wait) });
                }
                of_client.add(postgres, subject, network, *at).await?;
                of_account.add(postgres, subject, ALL, *at).await?;
                Ok(Admission::Admitted)
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
                diesel::delete(throttles::table.filter(throttles::subject.eq(subject)))
                    .filter(throttles::network.eq(network).or(throttles::network.eq(ALL)))
                    .execute(postgres)
                    .await?;
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
                let counts = throttles::table
                    .filter(throttles::subject.eq(subject))
                    .filter(throttles::network.eq(network).or(throttles::network.eq(ALL)));
                // A count of none is no row.
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
                let counts = throttles::table.filter(throttles::subject.eq(subject)).select((
                    throttles::network,
                    throttles::failures,
                    throttles::last_failure_at,
                ));
                let latest = (throttles::last_failure_at.desc(), throttles::network);
                let latest = counts.order(latest).limit(MAX_COUNTS);
                let rows: Vec<(String, i64, PgTimestamp)> = latest.load(postgres).await?;
                let counts = rows.into_iter().map(|row| count(subject, row));
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

/// Waits until nobody else is at the counts of this subject, until the end of the transaction. Rows
/// that are not there yet could not be locked.
async fn lock(postgres: &mut AsyncPgConnection, subject: &str) -> QueryResult<()> {
    let lock = pg_advisory_xact_lock(locks::THROTTLE, hashtext(subject));
    diesel::select(lock).execute(postgres).await.map(drop)
}

/// Forgets the failures of an account; whether there were any.
pub(crate) async fn forget(postgres: &mut AsyncPgConnection, id: UserId) -> QueryResult<bool> {
    let subject = LockoutSubject::Account(id).to_string();
    lock(postgres, &subject).await?;
    let counts = throttles::table.filter(throttles::subject.eq(subject));
    Ok(diesel::delete(counts).execute(postgres).await? > 0)
}

fn count(
    subject: &str,
    (network, failures, last): (String, i64, PgTimestamp),
) -> Result<FailureCount, PortError> {
    let bad = |column| bad_column("login_throttles", column, format!("{subject} {network}"));
    let from = (network != ALL).then(|| network.parse()).transpose();
    Ok(FailureCount {
        network: from.map_err(|_no| bad("network"))?,
        failures: u64::try_from(failures).map_err(|_negative| bad("failures"))?,
        last_failure_at: moment(last).ok_or_else(|| bad("last_failure_at"))?,
    })
}

/// The failures that count.
struct Count {
    failures: i64,
    last: PgTimestamp,
}

impl Count {
    async fn read(
        postgres: &mut AsyncPgConnection,
        subject: &str,
        network: &str,
        limit: Limit,
        at: PgTimestamp,
    ) -> QueryResult<Self> {
        let row: Option<(i64, PgTimestamp)> = throttles::table
            .find((subject, network))
            .select((throttles::failures, throttles::last_failure_at))
            .get_result(postgres)
            .await
            .optional()?;
        Ok(match row {
            Some((failures, last)) if since(at, last) < span(limit.window) => {
                Self { failures, last }
            }
            // None, or the window has passed since.
            _ => Self { failures: 0, last: at },
        })
    }

    /// How long to wait, if there are as many as the limit admits.
    fn wait(&self, limit: Limit, at: PgTimestamp) -> Option<i64> {
        let passed = since(at, self.last);
        (self.failures >= i64::from(limit.max)).then(|| span(limit.window).saturating_sub(passed))
    }

    async fn add(
        &self,
        postgres: &mut AsyncPgConnection,
        subject: &str,
        network: &str,
        at: PgTimestamp,
    ) -> QueryResult<()> {
        diesel::insert_into(throttles::table)
            .values((
                throttles::subject.eq(subject),
                throttles::network.eq(network),
                throttles::failures.eq(self.failures + 1),
                // Clocks of several machines disagree; the count never ends earlier for that.
                throttles::last_failure_at.eq(at.max(self.last)),
            ))
            .on_conflict((throttles::subject, throttles::network))
            .do_update()
            .set((
                throttles::failures.eq(excluded(throttles::failures)),
                throttles::last_failure_at.eq(excluded(throttles::last_failure_at)),
            ))
            .execute(postgres)
            .await
            .map(drop)
    }
}
