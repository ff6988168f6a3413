//! The port that gives random ids.

use sha2::{Digest as _, Sha256};

use crate::common::PortError;

/// Randomness that nobody can guess.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Random: Send + Sync {
    /// A UUID of version 4, with 122 random bits from the operating system.
    ///
    /// # Errors
    /// The operating system gives none.
    fn uuid(&self) -> Result<uuid::Uuid, PortError>;
}

/// Bytes that nobody can guess: two UUIDs have 244 random bits, and their digest has them in each byte.
pub(crate) fn bytes(random: &dyn Random) -> Result<[u8; 32], PortError> {
    let mut digest = Sha256::new();
    digest.update(random.uuid()?.as_bytes());
    digest.update(random.uuid()?.as_bytes());
    Ok(digest.finalize().into())
}
