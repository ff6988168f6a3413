//! The port that tells the time.

use crate::common::Timestamp;

/// What time it is.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Clock: Send + Sync {
    /// The current time, in whole microseconds. MUST NOT be finer, so that stores keep it exactly.
    fn now(&self) -> Timestamp;
}
