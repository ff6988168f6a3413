//! Use-case: how often something happened on each of the last days.

use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveTime;

use crate::access::Allowed;
use crate::access::rights::AuditRead;
use crate::audit::{AuditAction, AuditRepository};
use crate::common::{PortError, Timestamp};
use crate::ports::Ports;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How often something happened on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayCount {
    /// When the day begins, in UTC.
    pub day: Timestamp,
    /// How often.
    pub count: u64,
}

/// Counts what happened on each of the last days, today included.
#[non_exhaustive]
pub struct CountByDay {
    /// The records.
    pub records: Arc<dyn AuditRepository>,
}

impl CountByDay {
    /// How many days are counted.
    pub const DAYS: u32 = 7;

    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { records: ports.required.audit_records.clone() }
    }

    /// Runs the use-case; the oldest day comes first. Days are those of UTC.
    ///
    /// # Errors
    /// The store failed.
    pub async fn execute(
        &self,
        allowed: &Allowed<AuditRead>,
        action: AuditAction,
    ) -> Result<Vec<DayCount>, PortError> {
        let today = midnight(allowed.context().at);
        let mut days = Vec::new();
        for ago in (0..Self::DAYS).rev() {
            let day = today - DAY * ago;
            let count = self.records.count(action, day, day + DAY).await?;
            days.push(DayCount { day, count });
        }
        Ok(days)
    }
}

/// When the day of this moment begins, in UTC.
fn midnight(at: Timestamp) -> Timestamp {
    at.date_naive().and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::MockAuditRepository;
    use crate::testing;

    #[tokio::test]
    async fn the_days_of_utc_are_counted_up_to_today() {
        let mut records = MockAuditRepository::new();
        records.expect_count().times(7).returning(|action, since, until| {
            assert_eq!(
                (action, until - since),
                (AuditAction::LoggedIn, chrono::TimeDelta::days(1))
            );
            assert_eq!(since, midnight(since));
            Ok(since.timestamp().unsigned_abs() / (24 * 3600))
        });
        let use_case = CountByDay { records: Arc::new(records) };
        let allowed = testing::allowed::<AuditRead>(5);
        let days = use_case.execute(&allowed, AuditAction::LoggedIn).await.unwrap();
        let counts: Vec<_> = days.iter().map(|day| day.count).collect();
        assert_eq!(counts, (19_669..=19_675).collect::<Vec<_>>());
    }
}
