//! The types of columns that the databases keep each in its own way.

use diesel::query_builder::QueryId;
use diesel::sql_types::SqlType;

/// A moment: `TIMESTAMPTZ` in PostgreSQL; in SQLite microseconds since 1970.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
#[diesel(sqlite_type(name = "Long"))]
pub struct Moment;

/// A UUID: `UUID` in PostgreSQL; in SQLite 16 bytes.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
#[diesel(sqlite_type(name = "Binary"))]
pub struct Uuid16;

/// The address of a host: `INET` in PostgreSQL; in SQLite a text.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(postgres_type(oid = 869, array_oid = 1041))]
#[diesel(sqlite_type(name = "Text"))]
pub struct Address;
