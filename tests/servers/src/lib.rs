//! # menjin-test-servers
//!
//! Servers of other makers, private to tests and benchmarks: in a temporary folder, on a free port, and
//! gone when whoever started them is, even if that was killed.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test stops at the first surprise"
)]

pub mod balancer;
pub mod pgbouncer;
pub mod postgres;
pub mod proxy;
pub mod redis;
pub mod smtp;

mod listening;

pub use listening::{dying_with_this_process, free_port, unprivileged};
