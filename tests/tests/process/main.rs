//! The real binary: its command line, its start and end, and what survives its being killed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod at_boot;
mod audit;
mod command_line;
mod durability;
mod failover;
mod keys;
mod lifecycle;
mod log_readers;
mod mail;
mod metrics;
mod operators;
mod postgres;
mod proxies;
mod read_only;
mod redis;
mod rolling_back;
mod settings;
mod signals;
mod storm;
mod tables;
mod tls;
mod transfer;
mod users;

/// The binary under test.
const MENJIN: &str = env!("CARGO_BIN_EXE_menjin-under-test");
