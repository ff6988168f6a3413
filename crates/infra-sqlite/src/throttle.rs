use async_trait::async_trait;
use diesel::prelude::*;
use diesel::upsert::excluded;
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{ClientNetwork, PortError, Timestamp, UserId};
use menjin_domain::lockout::{
    Admission, AttemptLimits, FailureCount, Limit, LockoutRepository, LockoutSubject,
};

use crate::SqliteStore;
use crate::audit::record;
use crate::convert::{duration, micros, moment, span};
use crate::error::{OrPortError, bad_column};
use crate::schema::login_throttles as throttles;

/// The network of a subject's count over all networks.
const ALL: &str = "";
/// How many counts of a subject are shown at most: the one over all networks, which has the latest
/// failure, and a hundred more.
const MAX_COUNTS: i64 = 101;

#[async_trait]
impl LockoutRepository for SqliteStore {
    async fn reserve(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
        limits: AttemptLimits,
        at: Timestamp,
    ) -> Result<Admission, PortError> {
        let (subject, network, at) = (subject.to_string(), network.to_string(), micros(at));
        self.write(move |sqlite| {
            let of_client = Count::read(sqlite, &subject, &network, limits.per_client, at)?;
            let of_account = Count::read(sqlite, &subject, ALL, limits.per_account, at)?;
            let waits =
                [of_client.wait(limits.per_client, at), of_account.wait(limits.per_account, at)];
            if let Some(wait) = waits.into_iter().flatten().max() {
                return Ok(Admission::Refused { retry_after: duration(wait) });
            }
            of_client.add(sqlite, &subject, &network, at)?;
            of_account.add(sqlite, &subject, ALL, at)?;
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
            diesel::delete(throttles::table.filter(throttles::subject.eq(&subject)))
                .filter(throttles::network.eq(&network).or(throttles::network.eq(ALL)))
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
            for network in [network.as_str(), ALL] {
                let count = throttles::table.find((&subject, network));
                // A count of none is no row.
                let deleted = diesel::delete(count.filter(throttles::failures.le(1)))
                    .execute(sqlite)
                    .or_port_error()?;
                if deleted == 0 {
                    diesel::update(count)
                        .set(throttles::failures.eq(throttles::failures - 1))
                        .execute(sqlite)
                        .or_port_error()?;
                }
            }
            Ok(())
        })
        .await
    }

    async fn counts(&self, subject: &LockoutSubject) -> Result<Vec<FailureCount>, PortError> {
        let subject = subject.to_string();
        self.read(move |sqlite| {
            let counts = throttles::table.filter(throttles::subject.eq(&subject)).select((
                throttles::network,
                throttles::failures,
                throttles::last_failure_at,
            ));
            let latest = (throttles::last_failure_at.desc(), throttles::network);
            let latest = counts.order(latest).limit(MAX_COUNTS);
            let rows: Vec<(String, i64, i64)> = latest.load(sqlite).or_port_error()?;
            rows.into_iter().map(|row| count(&subject, row)).collect()
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

/// Forgets the failures of an account; whether there were any.
pub(crate) fn forget(sqlite: &mut SqliteConnection, id: UserId) -> Result<bool, PortError> {
    let subject = LockoutSubject::Account(id).to_string();
    let counts = throttles::table.filter(throttles::subject.eq(subject));
    Ok(diesel::delete(counts).execute(sqlite).or_port_error()? > 0)
}

fn count(
    subject: &str,
    (network, failures, last): (String, i64, i64),
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
    last: i64,
}

impl Count {
    fn read(
        sqlite: &mut SqliteConnection,
        subject: &str,
        network: &str,
        limit: Limit,
        at: i64,
    ) -> Result<Self, PortError> {
        let row: Option<(i64, i64)> = throttles::table
            .find((subject, network))
            .select((throttles::failures, throttles::last_failure_at))
            .get_result(sqlite)
            .optional()
            .or_port_error()?;
        Ok(match row {
            Some((failures, last)) if at.saturating_sub(last) < span(limit.window) => {
                Self { failures, last }
            }
            // None, or the window has passed since.
            _ => Self { failures: 0, last: at },
        })
    }

    /// How long to wait, if there are as many as the limit admits.
    fn wait(&self, limit: Limit, at: i64) -> Option<i64> {
        let passed = at.saturating_sub(self.last);
        (self.failures >= i64::from(limit.max)).then(|| span(limit.window).saturating_sub(passed))
    }

    fn add(
        &self,
        sqlite: &mut SqliteConnection,
        subject: &str,
        network: &str,
        at: i64,
    ) -> Result<(), PortError> {
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
            .execute(sqlite)
            .or_port_error()
            .map(drop)
    }
}
