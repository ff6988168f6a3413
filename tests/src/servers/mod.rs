//! Servers that tests start for themselves.

pub mod redis;
