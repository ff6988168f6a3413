//! # menjin-infra-sql
//!
//! What the adapters for SQLite and PostgreSQL share, and what never executes: the types of columns,
//! the schema, rows and what they are to the domain, queries, and the lists of migrations and of
//! tables to transfer. Connections and statements are the adapters' own.

pub mod changes;
pub mod cleanup;
pub mod error;
pub mod migrations;
pub mod prelude;
pub mod queries;
pub mod rows;
pub mod schema;
pub mod sql_types;
pub mod transfer;
pub mod values;
