use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use crate::entities::Act;
use crate::ports::PortError;
use crate::values::{ClientNetwork, LoginName, Timestamp, UserId};

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

/// The account that attempts at a password are counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ThrottleSubject {
    /// An account, by whichever spelling, name or address it was called.
    Account(UserId),
    /// A name that nobody has, as the SHA-256 of its canonical form: what people mistype into the
    /// name field may be a password. It is counted like any other, so that a lock tells nothing.
    Nobody([u8; 32]),
}

impl ThrottleSubject {
    /// The subject for a name that nobody has.
    pub fn nobody(name: &LoginName) -> Self {
        Self::Nobody(Sha256::digest(name.canonical().as_bytes()).into())
    }
}

impl fmt::Display for ThrottleSubject {
    /// A key for stores: `account:7`, `nobody:<64 hexadecimal digits>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(f, "account:{id}"),
            Self::Nobody(digest) => {
                f.write_str("nobody:")?;
                digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
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

/// Counts failed attempts at passwords, exactly, over all processes and restarts.
///
/// A count starts anew when it is reset, or once a whole `window` has passed since its last failure:
/// failures a little less than that apart do add up. That is stricter than [`Limit`] asks, needs no
/// list of times, and is what "in a row" means for one account, where success resets.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait LoginThrottle: Send + Sync {
    /// Counts an attempt as a failure before its password is looked at, or refuses it.
    ///
    /// MUST admit exactly as many of any number of concurrent attempts as the limits leave. A
    /// refused one MUST NOT be counted. `retry_after` is the longer of the two waits.
    async fn reserve(
        &self,
        subject: &ThrottleSubject,
        network: ClientNetwork,
        limits: AttemptLimits,
        at: Timestamp,
    ) -> Result<Admission, PortError>;

    /// The attempt was right: forgets the failures of the subject from this network, and the
    /// subject's count over all networks. Other networks' own counts stay.
    async fn succeed(
        &self,
        subject: &ThrottleSubject,
        network: ClientNetwork,
    ) -> Result<(), PortError>;

    /// The attempt was not decided (no capacity to hash): takes one failure back. The time of the
    /// last failure MAY stay, which errs on the side of waiting.
    async fn release(
        &self,
        subject: &ThrottleSubject,
        network: ClientNetwork,
    ) -> Result<(), PortError>;

    /// The counts of the subject, void ones included, those with the latest failures first. Of many
    /// it MAY leave out the ones after the hundredth.
    async fn counts(&self, subject: &ThrottleSubject) -> Result<Vec<FailureCount>, PortError>;

    /// Forgets all failures of this account, from whatever network; `true` if there were any. Records
    /// `lock_lifted` then.
    async fn forget(&self, id: UserId, act: Act) -> Result<bool, PortError>;

    /// Deletes counts whose last failure is before this moment and returns how many; one attempt
    /// makes two, for its network and for all. It MAY stop early, to answer in time.
    async fn delete_stale(&self, before: Timestamp) -> Result<u64, PortError>;
}

/// What is limited per client network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RateKey {
    /// Failed log-ins.
    FailedLogin(ClientNetwork),
    /// Failed registrations.
    FailedRegistration(ClientNetwork),
}

impl fmt::Display for RateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FailedLogin(network) => write!(f, "login:{network}"),
            Self::FailedRegistration(network) => write!(f, "register:{network}"),
        }
    }
}

/// Counts failures per client network, each for exactly one `window`: many people are behind one
/// address, and their mistakes of a whole day must not add up. It MAY forget at a restart.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Counts one, or refuses it. MUST NOT admit more than the limit, however many run at once.
    async fn reserve(
        &self,
        key: RateKey,
        limit: Limit,
        at: Timestamp,
    ) -> Result<Admission, PortError>;

    /// Takes the latest one back: it was no failure, and MUST NOT leave a trace.
    async fn release(&self, key: RateKey) -> Result<(), PortError>;
}
