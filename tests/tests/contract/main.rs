//! The contract suite on every adapter. Its rows register themselves (`tests/src/contract/`); a new adapter
//! is a module here and a line in `main`.
//!
//! This target has a `main` of its own: a function with `#[test]` would not run here. What is tested of
//! one adapter alone is in the targets beside this one: `memory`, `postgres`, `redis`, `sqlite`.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod cached;
mod example;
mod memory;
mod postgres;
mod redis;
mod sqlite;

use std::process::ExitCode;

use menjin_tests::contract::{rows, run};

fn main() -> ExitCode {
    run([
        rows("sqlite", sqlite::store),
        rows("sqlite", sqlite::mailing),
        rows("cached", cached::store),
        rows("cached", cached::mailing),
        rows("postgres", postgres::store),
        rows("postgres", postgres::mailing),
        rows("postgres::pooled", postgres::pooled),
        rows("postgres::pooled_and_prepared", postgres::pooled_and_prepared),
        rows("memory", memory::cache),
        rows("memory", memory::limiter),
        rows("redis", redis::cache),
        rows("redis", redis::limiter),
        rows("example", example::store),
        rows("example", example::mailing),
        rows("example", example::limiter),
    ])
}
