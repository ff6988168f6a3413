//! # menjin-infra-sql
//!
//! What the adapters for SQLite and PostgreSQL share, without running any statement: the types of
//! columns, the schema, rows and their conversion to entities, queries, the lists of migrations and
//! of tables to transfer, and batches of calls. Each adapter has its own connections and statements.

pub mod account_changes;
pub mod batches;
pub mod cached;
pub mod changes;
pub mod cleanup;
pub mod deletions;
pub mod error;
pub mod invitations;
pub mod jobs;
pub mod mails;
pub mod mfa;
pub mod migrations;
pub mod one_time;
pub mod passkeys;
pub mod prelude;
pub mod queries;
pub mod rows;
pub mod schema;
pub mod search;
pub mod sql_types;
pub mod transfer;
pub mod values;
