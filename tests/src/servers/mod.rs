//! Servers of other makers, private to the tests: in a temporary folder, on a free port, and gone
//! when the tests are, even if these are killed.

pub mod balancer;
pub mod pgbouncer;
pub mod postgres;
pub mod proxy;
pub mod redis;

mod listening;

pub use listening::free_port;
