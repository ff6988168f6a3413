//! The port that judges hashes of other systems.

use crate::credentials::PasswordHash;

/// Why a hash of another system is not taken.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize,
)]
pub enum HashRefused {
    /// It is of a kind that no password can be verified against.
    #[error("is no hash of a kind that is known: bcrypt, Argon2id, Django's or scrypt")]
    UnknownKind,
    /// It would take too much time or memory at each login.
    #[error("takes too much time or memory to verify")]
    TooCostly,
}

/// Judges hashes of other systems, before an account gets one. A password is verified against it at the
/// first login, and hashed anew then.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait ForeignHashes: Send + Sync {
    /// Whether passwords can be verified against it, at a bounded cost.
    ///
    /// # Errors
    /// See [`HashRefused`].
    fn check(&self, hash: &PasswordHash) -> Result<(), HashRefused>;
}
