//! The port that gives random ids.

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
