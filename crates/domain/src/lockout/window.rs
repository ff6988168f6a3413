//! Limits, and what a count of failures means.

use std::time::Duration;

use crate::common::{ClientNetwork, Timestamp};

/// At most `max` failures in any span of `window`. (A window that starts anew with its first failure
/// would admit twice as many around its end; no port here counts like that.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many failures are admitted.
    pub max: u32,
    /// For how long a failure counts.
    pub window: Duration,
}

/// Whether an attempt may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may, and has been counted.
    Admitted,
    /// It may not, and has not been counted.
    Refused {
        /// When to try again.
        retry_after: Duration,
    },
}

/// The limits on attempts at one account's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptLimits {
    /// From one client network.
    pub per_client: Limit,
    /// From all of them together.
    pub per_account: Limit,
}

impl AttemptLimits {
    /// 10 in 15 minutes from one network; 100 in a row, then a day or an administrator
    /// (NIST SP 800-63B-4 §3.2.2 allows no more than 100).
    pub const DEFAULT: Self = Self {
        per_client: Limit { max: 10, window: Duration::from_secs(15 * 60) },
        per_account: Limit { max: 100, window: Duration::from_secs(24 * 60 * 60) },
    };

    /// The longer of the two windows: older counts are void.
    pub fn longest_window(&self) -> Duration {
        self.per_client.window.max(self.per_account.window)
    }
}

/// What is counted for a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureCount {
    /// From this network; `None` from all of them together.
    pub network: Option<ClientNetwork>,
    /// How many failures.
    pub failures: u64,
    /// When the last of them was.
    pub last_failure_at: Timestamp,
}

/// The limits on guessing passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginLimits {
    /// On one account.
    pub attempts: AttemptLimits,
    /// From one network, on whatever accounts. Generous: schools sit behind one address.
    pub per_network: Limit,
}

impl LoginLimits {
    /// [`AttemptLimits::DEFAULT`], and 100 in 15 minutes from one network.
    pub const DEFAULT: Self = Self {
        attempts: AttemptLimits::DEFAULT,
        per_network: Limit { max: 100, window: Duration::from_secs(15 * 60) },
    };
}

/// The limit on failed registrations from one network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrationLimit(pub Limit);

impl RegistrationLimit {
    /// 100 an hour.
    pub const DEFAULT: Self = Self(Limit { max: 100, window: Duration::from_secs(60 * 60) });
}
