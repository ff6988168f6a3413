//! Maps errors of SQLite to errors of the ports.

use diesel::result::Error;
use menjin_domain::common::PortError;
pub(crate) use menjin_infra_sql::error::COMPONENT;

/// SQLite's texts for busy, locked, protocol, full, I/O error and cannot open. Diesel passes on the
/// text of an error but not its code.
const TRANSIENT: [&str; 7] = [
    "database is locked",
    "database table is locked",
    "database schema is locked",
    "locking protocol",
    "database or disk is full",
    "disk I/O error",
    "unable to open database",
];

/// Whether a retry may help.
pub(crate) fn is_transient(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, info)
        if TRANSIENT.iter().any(|text| info.message().starts_with(text)))
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
