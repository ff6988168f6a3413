use crate::ports::PortError;
use crate::values::Timestamp;

/// What time it is.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Clock: Send + Sync {
    /// The current time. MUST NOT be finer than microseconds, so that stores keep it exactly.
    fn now(&self) -> Timestamp;
}

/// Randomness that nobody can guess.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Entropy: Send + Sync {
    /// A UUID of version 4, its 122 bits from the operating system.
    ///
    /// # Errors
    /// The operating system gives none.
    fn uuid(&self) -> Result<uuid::Uuid, PortError>;
}
