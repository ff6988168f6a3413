//! The contract suite on every adapter. Its rows register themselves (`crates/contract`); a new adapter
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

use menjin_contract::{repositories, rows, run};

fn main() -> ExitCode {
    run([
        repositories("sqlite", sqlite::fresh),
        repositories("cached", cached::fresh),
        repositories("postgres", postgres::fresh),
        rows("postgres::pooled", postgres::pooled),
        rows("postgres::pooled_and_prepared", postgres::pooled_and_prepared),
        rows("memory", memory::cache),
        rows("memory", memory::limiter),
        rows("redis", redis::cache),
        rows("redis", redis::limiter),
        repositories("example", example::fresh),
        rows("example", example::limiter),
    ])
}
