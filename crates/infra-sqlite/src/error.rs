//! Maps errors of SQLite to errors of the ports.

use diesel::result::{DatabaseErrorKind, Error};
use menjin_domain::common::PortError;
pub(crate) use menjin_infra_sql::error::COMPONENT;

/// SQLite's text for a write on a file that it may only read.
const READ_ONLY: &str = "attempt to write a readonly database";

/// SQLite's text for a file that another process writes.
const BUSY: &str = "database is locked";

/// SQLite's texts for busy, locked, protocol, full, I/O error, cannot open and read-only. Diesel
/// passes on the text of an error but not its code.
const TRANSIENT: [&str; 8] = [
    BUSY,
    READ_ONLY,
    "database table is locked",
    "database schema is locked",
    "locking protocol",
    "database or disk is full",
    "disk I/O error",
    "unable to open database",
];

/// Whether a retry may help.
pub(crate) fn is_transient(error: &Error) -> bool {
    TRANSIENT.iter().any(|text| says(error, text))
}

/// Whether the statement failed on a unique constraint.
pub(crate) fn is_taken(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
}

/// Whether the connection may only read the file. It stays so, whatever becomes of the file.
pub(crate) fn is_read_only(error: &Error) -> bool {
    says(error, READ_ONLY)
}

/// Whether another process was writing.
pub(crate) fn is_busy(error: &PortError) -> bool {
    matches!(error, PortError::Unavailable { source, .. }
        if source.downcast_ref().is_some_and(|error| says(error, BUSY)))
}

fn says(error: &Error, text: &str) -> bool {
    matches!(error, Error::DatabaseError(_, info) if info.message().starts_with(text))
}

/// The port's error for a failed statement.
pub(crate) fn failed(error: Error) -> PortError {
    if is_transient(&error) {
        PortError::unavailable(COMPONENT, error)
    } else {
        PortError::internal(COMPONENT, error)
    }
}

/// Turns the results of statements into results of ports.
pub(crate) trait OrPortError<T> {
    /// The value, or the port's error for the failure.
    fn or_port_error(self) -> Result<T, PortError>;
}

impl<T> OrPortError<T> for Result<T, Error> {
    fn or_port_error(self) -> Result<T, PortError> {
        self.map_err(failed)
    }
}
