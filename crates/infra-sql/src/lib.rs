//! # menjin-infra-sql
//!
//! What the adapters for SQLite and PostgreSQL share, and what never executes: connections and
//! statements are the adapters' own.

pub mod migrations;
