use std::fmt;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::entities::{AccessClaims, PublicKey, RefreshClaims};
use crate::ports::PortError;
use crate::values::{CandidatePassword, NewPassword, PasswordHash, Timestamp};

/// What verifying a password found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is right.
    Right {
        /// The hash is of another cost or kind than new ones: hash the password again.
        needs_rehash: bool,
    },
    /// It is wrong, or nobody's, or the hash cannot be read.
    Wrong,
}

/// Why nothing was hashed.
#[derive(Debug, thiserror::Error)]
pub enum HashingError {
    /// More work is waiting than can be done in time. Nothing was hashed.
    #[error("no capacity to hash a password")]
    Overloaded,
    /// The hasher failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// A place among those whose passwords wait to be hashed, kept free for as long as this lives.
#[must_use]
pub struct Place(#[expect(dead_code, reason = "dropping it is all it is for")] Option<Kept>);

type Kept = Box<dyn Send + Sync>;

impl Place {
    /// Given back when `guard` is dropped.
    pub fn kept_by(guard: impl Send + Sync + 'static) -> Self {
        Self(Some(Box::new(guard)))
    }

    /// Where nothing is counted.
    pub fn uncounted() -> Self {
        Self(None)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}

/// Hashes passwords slowly, off the threads that serve requests.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// A place for a hash that is to come, if there is one, so that nothing is begun in vain. To be
    /// given up in the moment in which the hash is asked for; what has none may be asked for as well.
    fn place(&self) -> Option<Place>;

    /// Hashes a password with a fresh salt, at the configured cost.
    async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, HashingError>;

    /// Hashes a password that has just been verified once more, at the configured cost.
    async fn rehash(&self, password: &CandidatePassword) -> Result<PasswordHash, HashingError>;

    /// Verifies a tried password. Without a hash (nobody has that name) or with one that cannot be
    /// read, MUST take as long as a wrong password of the configured cost does, and be `Wrong`.
    ///
    /// Takes `Option<PasswordHash>` by value: the work outlives a caller who has gone.
    async fn verify(
        &self,
        password: &CandidatePassword,
        hash: Option<PasswordHash>,
    ) -> Result<Verdict, HashingError>;
}

/// Why a password was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyViolation {
    /// It is among those that everybody tries first.
    #[error("the password is too common")]
    TooCommon,
    /// It is the user name or the e-mail address.
    #[error("the password is the user name or the e-mail address")]
    EqualsIdentity,
    /// It is too easy to guess.
    #[error("the password is too easy to guess")]
    TooWeak,
}

/// Which passwords are too easy to guess.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait PasswordPolicy: Send + Sync {
    /// Judges a password for the account with this name and address.
    fn check(
        &self,
        password: &NewPassword,
        username: &str,
        email: &str,
    ) -> Result<(), PolicyViolation>;
}

/// A token that is not one of ours, or not of this kind, or not of this time. Deliberately bare:
/// the client learns nothing, the log has the reason at debug level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid token: {reason}")]
pub struct InvalidToken {
    /// For logs, never for clients.
    pub reason: &'static str,
}

/// Makes and reads signed tokens.
///
/// Access and refresh tokens MUST NOT be taken for each other: each has a key of its own.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait TokenCodec: Send + Sync {
    /// Signs an access token.
    fn sign_access(&self, claims: &AccessClaims) -> Result<SecretString, PortError>;

    /// Signs a refresh token.
    fn sign_refresh(&self, claims: &RefreshClaims) -> Result<SecretString, PortError>;

    /// Reads an access token that is valid at `at`.
    fn verify_access(&self, token: &str, at: Timestamp) -> Result<AccessClaims, InvalidToken>;

    /// Reads a refresh token that is valid at `at`.
    fn verify_refresh(&self, token: &str, at: Timestamp) -> Result<RefreshClaims, InvalidToken>;

    /// The keys that access tokens can be verified with by others: each one whose tokens
    /// [`verify_access`](Self::verify_access) takes, that of new tokens first. MUST hold none that
    /// could sign, so that of a symmetric algorithm there is none.
    fn public_keys(&self) -> Vec<PublicKey>;
}
