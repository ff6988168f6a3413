//! Servers of other makers, private to the tests: in a temporary folder, on a free port, and gone
//! when the tests are, even if these are killed.

pub mod haproxy;
pub mod postgres;
pub mod redis;
