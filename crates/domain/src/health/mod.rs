//! Whether the back ends work, and tidying up after them.

mod check_health;
mod tidy;

pub use check_health::{CheckHealth, ComponentHealth, HealthReport, Importance};
pub use tidy::{Tidied, Tidy};
