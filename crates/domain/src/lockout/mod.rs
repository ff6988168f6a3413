//! Limits on guessing passwords: counts of failures, the lockout that follows, and lifting it.

mod attempts;
mod clear_lockout;
mod get_lockout;
mod port;
mod rate_limiter;
mod window;

pub use attempts::{AttemptGuard, TooManyAttempts};
pub(crate) use attempts::{LoginAttempt, PromptPurpose};
pub use clear_lockout::ClearLockout;
pub use get_lockout::{GetLockout, Lockout, LockoutCount};
#[cfg(feature = "mock")]
pub use port::MockLockoutRepository;
pub use port::{LockoutRepository, LockoutSubject};
#[cfg(feature = "mock")]
pub use rate_limiter::MockRateLimiter;
pub use rate_limiter::{RateKey, RateLimiter};
pub use window::{
    Admission, AttemptLimits, FailureCount, Failures, Limit, LoginLimits, MAX_AHEAD,
    RegistrationLimit, was_put_back,
};
