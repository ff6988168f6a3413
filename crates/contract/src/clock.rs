//! A clock that moves only when a test turns it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use menjin_domain::common::{Clock, Timestamp};

/// The first time of the clock: 2023-11-14T22:13:20Z, in microseconds.
const START: i64 = 1_700_000_000_000_000;

/// A clock that only tests turn. Clones show the same time.
#[derive(Debug, Clone)]
pub struct TurnableClock(Arc<AtomicI64>);

impl Default for TurnableClock {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(START)))
    }
}

impl TurnableClock {
    /// Puts the clock back.
    pub fn put_back(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.0.fetch_sub(micros, Ordering::SeqCst);
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for TurnableClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_timestamp_micros(self.0.load(Ordering::SeqCst)).unwrap_or_default()
    }
}
