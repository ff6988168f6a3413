//! PostgreSQL's errors as the ports know them.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};
use menjin_domain::common::PortError;
pub(crate) use menjin_infra_sql::error::COMPONENT;

/// Why a piece of work on the database came to no value.
#[derive(Debug)]
pub(crate) enum Abort<E> {
    /// The rules of the port say no.
    Refused(E),
    /// A statement failed.
    Failed(Error),
    /// A row could not be read.
    Port(PortError),
}

impl<E> From<Error> for Abort<E> {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl<E> From<PortError> for Abort<E> {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

impl<E: From<PortError>> Abort<E> {
    /// The error of the port's method.
    pub(crate) fn into_error(self) -> E {
        match self {
            Self::Refused(error) => error,
            Self::Failed(error) => failed(error).into(),
            Self::Port(error) => error.into(),
        }
    }

    /// Whether another transaction was in the way, so that doing it all again will do.
    pub(crate) fn is_conflict(&self) -> bool {
        match self {
            // Serialisation failure (40001).
            Self::Failed(Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
            // 40P01. In another language than English it is `Unavailable`: no more than a pity,
            // since no two calls deadlock but those that swap two users' addresses.
            Self::Failed(Error::DatabaseError(DatabaseErrorKind::Unknown, info)) => {
                info.message() == "deadlock detected"
            }
            _ => false,
        }
    }
}

/// Whether trying again may help. diesel passes on neither the SQLSTATE nor a text in a known
/// language (it is that of the server), but what an error is about: one that names no place in the
/// statement, no table, column or constraint is about the server's state. Cancelled by a time-out
/// (57014, 55P03), shutting down (57P01 to 57P03), too many connections (53300), no room (53100),
/// a deadlock (40P01) are of that kind.
fn is_transient(kind: DatabaseErrorKind, about: &dyn DatabaseErrorInformation) -> bool {
    match kind {
        DatabaseErrorKind::UnableToSendCommand
        | DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::SerializationFailure
        // A primary that has become a standby.
        | DatabaseErrorKind::ReadOnlyTransaction => true,
        DatabaseErrorKind::Unknown => {
            about.statement_position().is_none()
                && about.table_name().is_none()
                && about.column_name().is_none()
                && about.constraint_name().is_none()
        }
        _ => false,
    }
}

/// A failed statement as the ports know it.
pub(crate) fn failed(error: Error) -> PortError {
    match &error {
        Error::DatabaseError(kind, about) if is_transient(*kind, about.as_ref()) => {
            PortError::unavailable(COMPONENT, error)
        }
        _ => PortError::internal(COMPONENT, error),
    }
}

/// Whether the statement failed on the unique constraint of this name.
pub(crate) fn violates(error: &Error, constraint: &str) -> bool {
    matches!(error, Error::DatabaseError(DatabaseErrorKind::UniqueViolation, about)
        if about.constraint_name() == Some(constraint))
}
