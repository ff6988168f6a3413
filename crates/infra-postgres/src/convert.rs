//! Moments and spans as the tables keep them: whole microseconds, which PostgreSQL counts from 2000.

use std::time::Duration;

use diesel::pg::data_types::PgTimestamp;
use menjin_domain::common::Timestamp;

/// 2000-01-01T00:00:00Z, in microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;

/// A moment as PostgreSQL keeps it. Read as what it is, not by diesel: its error for one beyond the
/// calendar would name no row.
pub(crate) fn stored(at: Timestamp) -> PgTimestamp {
    PgTimestamp(at.timestamp_micros() - EPOCH)
}

/// A moment as read; `None` beyond what the calendar can name.
pub(crate) fn moment(PgTimestamp(micros): PgTimestamp) -> Option<Timestamp> {
    Timestamp::from_timestamp_micros(micros.checked_add(EPOCH)?)
}

/// A span in microseconds; one beyond 292,000 years is as good as that.
pub(crate) fn span(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// A span out of microseconds; a negative one is none.
pub(crate) fn duration(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// How long the first moment is after the second, in microseconds.
pub(crate) fn since(PgTimestamp(later): PgTimestamp, PgTimestamp(earlier): PgTimestamp) -> i64 {
    later.saturating_sub(earlier)
}
