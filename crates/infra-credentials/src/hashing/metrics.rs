//! The metrics of the pool. They are collected only if a recorder is installed before the pool
//! starts; otherwise updates cost nothing.

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};

const WAITING: &str = "menjin_hashing_waiting";
const RUNNING: &str = "menjin_hashing_running";
const LANES: &str = "menjin_hashing_lanes";
const WAIT: &str = "menjin_hashing_wait_seconds";
const REFUSED: &str = "menjin_hashing_refused_total";

/// The metrics of the pool.
pub(super) struct HashingMetrics {
    /// How many jobs wait in the queue.
    waiting: Gauge,
    /// How many hashes are computed at this moment, over all threads.
    running: Gauge,
    /// How many hashes can be computed at once, over all threads.
    lanes: Gauge,
    wait: Histogram,
    full: Counter,
    late: Counter,
}

impl HashingMetrics {
    pub(super) fn new() -> Self {
        describe_gauge!(WAITING, "Password hashes that wait for a lane.");
        describe_gauge!(RUNNING, "Password hashes that are computed.");
        describe_gauge!(LANES, "Password hashes that can be computed at once.");
        describe_histogram!(WAIT, Unit::Seconds, "How long password hashes waited for a lane.");
        describe_counter!(REFUSED, "Password hashes that were refused with 503, by reason.");
        Self {
            waiting: gauge!(WAITING),
            running: gauge!(RUNNING),
            lanes: gauge!(LANES),
            wait: histogram!(WAIT),
            full: counter!(REFUSED, "reason" => "full"),
            late: counter!(REFUSED, "reason" => "late"),
        }
    }

    pub(super) fn waiting(&self, count: usize) {
        self.waiting.set(number(count));
    }

    pub(super) fn lanes(&self, count: usize) {
        self.lanes.set(number(count));
    }

    /// Updates the number of hashes that a thread computes.
    pub(super) fn running(&self, had: usize, has: usize) {
        if had != has {
            self.running.increment(number(has) - number(had));
        }
    }

    /// How long the jobs waited that have begun, in seconds.
    pub(super) fn waits(&self) -> Histogram {
        self.wait.clone()
    }

    /// Counts a job that was refused because it found no place in the queue.
    pub(super) fn full(&self) {
        self.full.increment(1);
    }

    /// Counts jobs that were refused after they had waited too long.
    pub(super) fn late(&self, count: usize) {
        self.late.increment(count as u64);
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52 of anything here")]
fn number(count: usize) -> f64 {
    count as f64
}
