//! The port that hashes passwords.

use std::fmt;

use async_trait::async_trait;

use crate::common::{Error, PortError};
use crate::credentials::{CandidatePassword, NewPassword, PasswordHash};

/// What verifying a password found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// It is right.
    Match {
        /// The hash is of another cost or kind than new ones: hash the password again.
        needs_rehash: bool,
    },
    /// The password is wrong, nobody has the name, or the hash cannot be read.
    Mismatch,
}

/// More work is waiting than can be done in time. Nothing was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no capacity to hash a password")]
pub struct Overloaded;

/// A reserved place in the queue of the hasher. Dropping it frees the place.
#[must_use]
pub struct Permit(#[expect(dead_code, reason = "dropping it is all it is for")] Option<Kept>);

type Kept = Box<dyn Send + Sync>;

impl Permit {
    /// Given back when `guard` is dropped.
    pub fn holding(guard: impl Send + Sync + 'static) -> Self {
        Self(Some(Box::new(guard)))
    }

    /// A permit of a hasher that does not count places.
    pub fn unlimited() -> Self {
        Self(None)
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}

/// Hashes passwords slowly, off the threads that serve requests.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// Reserves a place for a later hash; `None` if the queue is full. So a caller learns this
    /// before it does other work. Drop the permit right before you ask for the hash. A permit is
    /// not required for hashing.
    fn try_reserve(&self) -> Option<Permit>;

    /// Hashes a password with a fresh salt, at the configured cost.
    async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, Error<Overloaded>>;

    /// Hashes a password for which nobody waits: others come first, however long that takes.
    async fn hash_behind(&self, password: &NewPassword) -> Result<PasswordHash, PortError>;

    /// Hashes a password again that has just been verified, at the configured cost.
    async fn rehash(&self, password: &CandidatePassword)
    -> Result<PasswordHash, Error<Overloaded>>;

    /// Verifies a tried password. Without a hash (nobody has that name) or with one that cannot be
    /// read, MUST take as long as a wrong password at the configured cost, and return `Mismatch`.
    ///
    /// Takes `Option<PasswordHash>` by value: the work continues if the caller goes away.
    async fn verify(
        &self,
        password: &CandidatePassword,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, Error<Overloaded>>;
}
