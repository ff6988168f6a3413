//! Counts of failed logins.

use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{ClientNetwork, Timestamp, UserId};
use menjin_domain::lockout::{
    Admission, AttemptLimits, FailureCount, Failures, LockoutRepository, LockoutSubject,
};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::{MAX_COUNTS, counts_of, latest_counts_of};
use menjin_infra_sql::schema::login_throttles as throttles;

use crate::SqliteStore;
use crate::audit::record;
use crate::error::OrPortError;

#[async_trait]
impl LockoutRepository for SqliteStore {
    async fn reserve(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
        limits: AttemptLimits,
        at: Timestamp,
    ) -> Result<Admission, PortError> {
        let (subject, network) = (subject.to_string(), network.to_string());
        self.write(move |sqlite| {
            let of_client = as_of(sqlite, &subject, &network, at)?;
            let of_account = as_of(sqlite, &subject, ALL_NETWORKS, at)?;
            let (of_client, of_account) = match limits.admit(of_client, of_account, at) {
                Ok(counts) => counts,
                Err(retry_after) => return Ok(Admission::Refused { retry_after }),
            };
            store(sqlite, &NewFailuresRow::new(&subject, &network, of_client))?;
            store(sqlite, &NewFailuresRow::new(&subject, ALL_NETWORKS, of_account))?;
            Ok(Admission::Admitted)
        })
        .await
    }

    async fn succeed(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
    ) -> Result<(), PortError> {
        let (subject, network) = (subject.to_string(), network.to_string());
        self.write(move |sqlite| {
            diesel::delete(throttles::table.filter(counts_of(&subject, &network)))
                .execute(sqlite)
                .or_port_error()
                .map(drop)
        })
        .await
    }

    async fn release(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
    ) -> Result<(), PortError> {
        let (subject, network) = (subject.to_string(), network.to_string());
        self.write(move |sqlite| {
            let counts = throttles::table.filter(counts_of(&subject, &network));
            // A count of zero has no row.
            diesel::delete(counts.filter(throttles::failures.le(1)))
                .execute(sqlite)
                .or_port_error()?;
            let fewer = diesel::update(counts).set(throttles::failures.eq(throttles::failures - 1));
            cached(fewer).execute(sqlite).or_port_error().map(drop)
        })
        .await
    }

    async fn counts(&self, subject: &LockoutSubject) -> Result<Vec<FailureCount>, PortError> {
        let subject = subject.to_string();
        self.read(move |sqlite| {
            let counts = latest_counts_of(&subject).limit(MAX_COUNTS);
            let rows: Vec<FailuresRow> = counts.load(sqlite).or_port_error()?;
            rows.into_iter().map(FailureCount::try_from).collect()
        })
        .await
    }

    async fn forget(&self, id: UserId, context: AuditContext) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let was_locked = forget(sqlite, id)?;
            if was_locked {
                record(sqlite, &context.event(AuditAction::LockoutCleared).on(id))?;
            }
            Ok(was_locked)
        })
        .await
    }

    async fn delete_stale(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM login_throttles WHERE (subject, network) IN (
            SELECT subject, network FROM login_throttles WHERE last_failure_at < ?1 LIMIT ?2)";
        self.delete_in_parts(statement, before).await
    }
}

/// Deletes the failures of an account. Returns whether there were any.
pub(crate) fn forget(sqlite: &mut SqliteConnection, id: UserId) -> Result<bool, PortError> {
    forget_subject(sqlite, &LockoutSubject::Account(id))
}

/// Deletes the failures of a subject. Returns whether there were any.
pub(crate) fn forget_subject(
    sqlite: &mut SqliteConnection,
    subject: &LockoutSubject,
) -> Result<bool, PortError> {
    let counts = throttles::table.filter(throttles::subject.eq(subject.to_string()));
    Ok(diesel::delete(counts).execute(sqlite).or_port_error()? > 0)
}

/// The counts that are stored for a subject and a network.
fn stored(
    sqlite: &mut SqliteConnection,
    subject: &str,
    network: &str,
) -> Result<Option<Failures>, PortError> {
    let row = throttles::table.find((subject, network)).get_result::<FailuresRow>(sqlite);
    row.optional().or_port_error()?.map(Failures::try_from).transpose()
}

/// The same as of now, and kept so.
fn as_of(
    sqlite: &mut SqliteConnection,
    subject: &str,
    network: &str,
    at: Timestamp,
) -> Result<Option<Failures>, PortError> {
    let Some(stored) = stored(sqlite, subject, network)? else { return Ok(None) };
    let failures = stored.as_of(at);
    if failures != stored {
        store(sqlite, &NewFailuresRow::new(subject, network, failures))?;
    }
    Ok(Some(failures))
}

fn store(sqlite: &mut SqliteConnection, row: &NewFailuresRow<'_>) -> Result<(), PortError> {
    let upsert = diesel::insert_into(throttles::table)
        .values(row)
        .on_conflict((throttles::subject, throttles::network))
        .do_update()
        .set(row);
    cached(upsert).execute(sqlite).or_port_error().map(drop)
}
