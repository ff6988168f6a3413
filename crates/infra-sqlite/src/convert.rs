//! Moments and spans as the tables keep them: whole microseconds.

use std::time::Duration;

use menjin_domain::common::Timestamp;

/// A moment, as microseconds since 1970.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.timestamp_micros()
}

/// A moment out of microseconds since 1970; `None` beyond what the calendar can name.
pub(crate) fn moment(micros: i64) -> Option<Timestamp> {
    Timestamp::from_timestamp_micros(micros)
}

/// A span in microseconds; one beyond 292,000 years is as good as that.
pub(crate) fn span(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// A span out of microseconds; a negative one is none.
pub(crate) fn duration(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
