//! Errors of the configuration; errors of Redis, and what they mean to the ports.

use std::borrow::Cow;

use deadpool::managed::PoolError;
use deadpool_redis::redis::{ErrorKind, RedisError, ServerErrorKind};
use menjin_domain::common::{BoxError, PortError};

/// The back end's name in errors and in `/health`.
pub(crate) const COMPONENT: &str = "cache";

/// Why a [`RedisConfig`](crate::RedisConfig) is invalid. It shows no part of a URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct ConfigError {
    /// The field at fault.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: Cow<'static, str>,
}

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no answer in time")]
    TooSlow,
    #[error("{0}")]
    Pool(&'static str),
    // Transparent, so that a chain of causes shows each cause once.
    #[error(transparent)]
    Redis(#[from] RedisError),
}

impl From<PoolError<RedisError>> for Failure {
    fn from(error: PoolError<RedisError>) -> Self {
        match error {
            PoolError::Backend(error) => Self::Redis(error),
            PoolError::Closed => Self::Pool("the pool is closed"),
            _ => Self::Pool("no connection in time"),
        }
    }
}

impl Failure {
    /// Whether the connection can still be used.
    pub(crate) fn spares_the_connection(&self) -> bool {
        let Self::Redis(error) = self else { return false };
        match error.kind() {
            // The node is no longer the primary, or not yet.
            ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown) => false,
            ErrorKind::Server(_) | ErrorKind::Extension => true,
            _ => false,
        }
    }

    /// Whether a retry cannot help, because the answer is of another kind than the command gives.
    fn is_a_fault(&self) -> bool {
        let Self::Redis(error) = self else { return false };
        matches!(
            error.kind(),
            ErrorKind::UnexpectedReturnType
                | ErrorKind::Client
                | ErrorKind::Server(ServerErrorKind::CrossSlot)
        ) || error.to_string().contains("WRONGTYPE")
    }
}

impl From<Failure> for PortError {
    fn from(failure: Failure) -> Self {
        let fault = failure.is_a_fault();
        let source: BoxError = failure.into();
        if fault { Self::internal(COMPONENT, source) } else { Self::unavailable(COMPONENT, source) }
    }
}
