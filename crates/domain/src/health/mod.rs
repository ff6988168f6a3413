//! Whether the back ends work, and the cleanup of what has expired.

mod check_health;
mod cleanup;
mod probe;

pub use check_health::{CheckHealth, ComponentHealth, HealthReport};
pub use cleanup::{CleanedUp, Cleanup};
#[cfg(feature = "mock")]
pub use probe::MockHealthProbe;
pub use probe::{Component, HealthProbe, Importance};
