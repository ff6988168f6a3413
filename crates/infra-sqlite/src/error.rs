//! SQLite's errors as the ports know them.

use diesel::result::Error;
use menjin_domain::common::PortError;
pub(crate) use menjin_infra_sql::error::COMPONENT;

/// How SQLite says busy, locked, protocol, full, I/O error and cannot open. Diesel passes on the
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

/// Whether trying again may help.
pub(crate) fn is_transient(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, info)
        if TRANSIENT.iter().any(|text| info.message().starts_with(text)))
}

/// A failed statement as the ports know it.
pub(crate) fn failed(error: Error) -> PortError {
    if is_transient(&error) {
        PortError::unavailable(COMPONENT, error)
    } else {
        PortError::internal(COMPONENT, error)
    }
}

/// Turns the results of statements into those of ports.
pub(crate) trait OrPortError<T> {
    /// The value, or what the failure is to a port.
    fn or_port_error(self) -> Result<T, PortError>;
}

impl<T> OrPortError<T> for Result<T, Error> {
    fn or_port_error(self) -> Result<T, PortError> {
        self.map_err(failed)
    }
}
