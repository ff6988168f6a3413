//! Why menjin was not built.

use std::path::PathBuf;

use menjin_domain::common::PortError;
use menjin_infra_credentials::{HashingStartError, SecretError};

/// Why menjin was not built. The chain of sources tells where.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use menjin::{BuildError, Menjin};
///
/// let built = Menjin::builder().secret_file("auth.secret").build().await;
/// assert!(matches!(built, Err(BuildError::NoDatabase)));
/// # });
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No database was named.
    #[error("there is no database: call `sqlite`, `postgres` or `store` of the builder")]
    NoDatabase,
    /// No secret was named.
    #[error("there is no secret: call `secret_file` or `secret` of the builder")]
    NoSecret,
    /// The file cannot be opened or migrated, or another process serves it.
    #[cfg(feature = "sqlite-system")]
    #[error(transparent)]
    Sqlite(#[from] menjin_infra_sqlite::OpenError),
    /// The server cannot be reached, or its database cannot be migrated.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    Postgres(#[from] menjin_infra_postgres::OpenError),
    /// The file of the secret cannot be used.
    #[error(transparent)]
    SecretFile(#[from] SecretFileError),
    /// The secret, an older one or a key cannot be used.
    #[error("tokens cannot be signed")]
    Secret(#[source] SecretError),
    /// The threads that hash passwords cannot be started.
    #[error("cannot start the hashing threads")]
    Hashing(#[source] HashingStartError),
    /// What is said of Redis makes no sense. A Redis that does not answer is no error: menjin starts without
    /// it, and uses it as soon as it is there.
    #[cfg(feature = "redis")]
    #[error("Redis")]
    Redis(#[source] menjin_infra_redis::ConfigError),
    /// The operating system gives no random numbers.
    #[error(transparent)]
    Random(PortError),
    /// A fault of menjin.
    #[error("a panic while building")]
    Panicked(#[source] tokio::task::JoinError),
}

impl BuildError {
    /// Whether it may pass: a database that does not answer yet.
    pub fn may_pass(&self) -> bool {
        match self {
            #[cfg(feature = "sqlite-system")]
            Self::Sqlite(error) => error.may_pass(),
            #[cfg(feature = "postgres")]
            Self::Postgres(error) => error.may_pass(),
            _ => false,
        }
    }
}

/// Why the file of a secret cannot be used. Nothing of the secret is shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFileError {
    /// It cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It cannot be made.
    #[error("cannot make the secret {}", .path.display())]
    Make {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is too short to be one.
    #[error(
        "{} holds {bytes} bytes, at least {} are needed: restore it, or delete it to have a new one made (all \
         log-ins end then)",
        .path.display(), SecretError::MIN_BYTES
    )]
    TooShort {
        /// The file.
        path: PathBuf,
        /// How many bytes it has.
        bytes: usize,
    },
    /// It was made and has gone.
    #[error("{} has vanished", .path.display())]
    Gone {
        /// The file.
        path: PathBuf,
    },
    /// The operating system gives no random numbers.
    #[error(transparent)]
    Random(PortError),
}
