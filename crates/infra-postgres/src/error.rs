//! Maps errors of PostgreSQL to errors of the ports.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};
use menjin_domain::common::PortError;
pub(crate) use menjin_infra_sql::error::COMPONENT;

/// Why work on the database returned no value.
#[derive(Debug)]
pub(crate) enum Abort<E> {
    /// The rules of the port refuse it.
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

    /// Whether the server takes no writes on this connection (25006): it is a standby, or has been
    /// made read-only.
    pub(crate) fn is_read_only(&self) -> bool {
        let is_read_only = |error: &Error| {
            matches!(error, Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _))
        };
        match self {
            Self::Failed(error) => is_read_only(error),
            Self::Port(PortError::Unavailable { source, .. }) => {
                source.downcast_ref().is_some_and(is_read_only)
            }
            _ => false,
        }
    }

    /// Whether another transaction was in the way, so that doing everything again will work.
    pub(crate) fn is_conflict(&self) -> bool {
        match self {
            // Serialisation failure (40001).
            Self::Failed(Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
            // Deadlock (40P01). If the server's language is not English, it becomes `Unavailable`.
            // This does little harm: no calls deadlock except those that swap the addresses of two
            // users.
            Self::Failed(Error::DatabaseError(DatabaseErrorKind::Unknown, info)) => {
                info.message() == "deadlock detected"
            }
            _ => false,
        }
    }
}

/// Whether a retry may help. diesel passes on neither the SQLSTATE nor a text in a known language
/// (the text is in the server's language), but it tells what an error is about. An error that names
/// no place in the statement, no table, no column and no constraint is about the state of the
/// server. Errors of that kind are: cancelled by a timeout (57014, 55P03), shutting down (57P01 to
/// 57P03), too many connections (53300), no room (53100), and a deadlock (40P01).
fn is_transient(kind: DatabaseErrorKind, about: &dyn DatabaseErrorInformation) -> bool {
    match kind {
        DatabaseErrorKind::UnableToSendCommand
        | DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::SerializationFailure
        // The server was a primary and has become a standby.
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

/// Whether a retry of the statement may help.
pub(crate) fn is_passing(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(kind, about) if is_transient(*kind, about.as_ref()))
}

/// The port's error for a failed statement.
pub(crate) fn failed(error: Error) -> PortError {
    if is_passing(&error) {
        PortError::unavailable(COMPONENT, error)
    } else {
        PortError::internal(COMPONENT, error)
    }
}

/// Whether the statement failed on the unique constraint of this name.
pub(crate) fn violates(error: &Error, constraint: &str) -> bool {
    matches!(error, Error::DatabaseError(DatabaseErrorKind::UniqueViolation, about)
        if about.constraint_name() == Some(constraint))
}
