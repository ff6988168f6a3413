//! The ports: what the use-cases need of the world.
//!
//! The documentation of a method is its contract, and "MUST" in it is meant as RFC 2119 does. Four
//! rules hold for all of them:
//!
//! * **One method is one atomic change.** Transactions never leave an adapter. A race is settled by
//!   a conditional statement in the adapter and shows as a variant of the method's error, never by
//!   reading first and writing later.
//! * **A change is kept with its record.** What changes an account or a session, or forgets
//!   failures, MUST append the event that its documentation names in the same atomic change: one
//!   event a change, none where nothing changed. The inputs say what is in it.
//! * **Look-ups return `Ok(None)`** for what is not there. A row that cannot be read is a
//!   [`PortError::Internal`] that names table, column and id.
//! * **Methods answer within a bounded time.** A back end that does not is
//!   [`PortError::Unavailable`], at the latest after three seconds.

mod archive;
mod audit;
mod cache;
mod clock;
mod credentials;
mod error;
mod health;
mod invalidation;
mod limits;
mod sessions;
mod users;

pub use archive::{
    Archive, ArchiveReader, ArchiveWriter, Batch, Contents, ImportError, SessionRecord,
    ThrottleRecord, UserRecord,
};
pub use audit::{AuditFilter, AuditOrder, AuditQuery, AuditRepository, AuditTrail};
pub use cache::{Cache, CacheNamespace, CacheSlot, CachedValue};
pub use clock::{Clock, Entropy};
pub use credentials::{
    HashingError, InvalidToken, PasswordHasher, PasswordPolicy, Place, PolicyViolation, TokenCodec,
    Verdict,
};
pub use error::{BoxError, Causes, PortError};
pub use health::HealthProbe;
pub use invalidation::{InvalidationChannel, InvalidationListener, Subscription};
pub use limits::{
    Admission, AttemptLimits, FailureCount, Limit, LoginThrottle, RateKey, RateLimiter,
    ThrottleSubject,
};
pub use sessions::{
    CreateSessionError, LiveSession, NewSession, Rotation, RotationOutcome, SessionRepository,
};
pub use users::{
    CreateUserError, DeactivateError, NewUser, PageStart, PasswordChange, ProfileChanges,
    UpdateProfileError, UserPage, UserQuery, UserRepository,
};

#[cfg(feature = "mock")]
mod mocks {
    pub use super::archive::{MockArchive, MockArchiveReader};
    pub use super::audit::{MockAuditRepository, MockAuditTrail};
    pub use super::cache::MockCache;
    pub use super::clock::{MockClock, MockEntropy};
    pub use super::credentials::{MockPasswordHasher, MockPasswordPolicy, MockTokenCodec};
    pub use super::health::MockHealthProbe;
    pub use super::invalidation::{MockInvalidationChannel, MockInvalidationListener};
    pub use super::limits::{MockLoginThrottle, MockRateLimiter};
    pub use super::sessions::MockSessionRepository;
    pub use super::users::MockUserRepository;
}
#[cfg(feature = "mock")]
pub use mocks::*;
