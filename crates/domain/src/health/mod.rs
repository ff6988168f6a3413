//! Whether the back ends work, and the clean-up of what has expired.

mod check_health;
mod cleanup;
mod probe;

pub use check_health::{CheckHealth, Component, ComponentHealth, HealthReport, Importance};
pub use cleanup::{CleanedUp, Cleanup};
pub use probe::HealthProbe;
#[cfg(feature = "mock")]
pub use probe::MockHealthProbe;
