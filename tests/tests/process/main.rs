//! The real binary: its command line, its start and end, and what survives its being killed.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod command_line;
mod durability;
mod lifecycle;
mod postgres;
mod redis;
mod settings;
mod storm;
mod tls;
mod transfer;

/// The binary under test.
const MENJIN: &str = env!("CARGO_BIN_EXE_menjin-under-test");
