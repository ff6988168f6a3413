//! Errors that both databases share.

use menjin_domain::common::PortError;

/// The back end's name in errors and in `/health`.
pub const COMPONENT: &str = "database";

/// A stored value that this binary cannot read. The value itself may be personal data, so the error
/// does not show it.
#[derive(Debug, thiserror::Error)]
#[error("column {column} of row {id} of table {table} cannot be read")]
struct BadColumn {
    table: &'static str,
    column: &'static str,
    id: String,
}

/// The error for a stored value that cannot be read.
pub fn bad_column(table: &'static str, column: &'static str, id: impl Into<String>) -> PortError {
    PortError::internal(COMPONENT, BadColumn { table, column, id: id.into() })
}
