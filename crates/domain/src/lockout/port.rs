//! The repository of failed attempts at passwords.

use std::fmt;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use crate::accounts::LoginName;
use crate::audit::AuditContext;
use crate::common::{ClientNetwork, PortError, Timestamp, UserId};
use crate::lockout::{Admission, AttemptLimits, FailureCount};

/// The account that attempts at a password are counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LockoutSubject {
    /// An account, by whichever spelling, name or address it was called.
    Account(UserId),
    /// A name that nobody has, as the SHA-256 of its canonical form: what people mistype into the
    /// name field may be a password. It is counted like any other, so that a lock tells nothing.
    Nobody([u8; 32]),
}

impl LockoutSubject {
    /// The subject for a name that nobody has.
    pub fn nobody(name: &LoginName) -> Self {
        Self::Nobody(Sha256::digest(name.canonical().as_bytes()).into())
    }
}

impl fmt::Display for LockoutSubject {
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

/// Counts failed attempts at passwords, exactly, over all processes and restarts.
///
/// A count starts anew when it is reset, or once a whole `window` has passed since its last failure:
/// failures a little less than that apart do add up. That is stricter than [`Limit`] asks, needs no
/// list of times, and is what "in a row" means for one account, where success resets.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait LockoutRepository: Send + Sync {
    /// Counts an attempt as a failure before its password is looked at, or refuses it.
    ///
    /// MUST admit exactly as many of any number of concurrent attempts as the limits leave. A
    /// refused one MUST NOT be counted. `retry_after` is the longer of the two waits.
    async fn reserve(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
        limits: AttemptLimits,
        at: Timestamp,
    ) -> Result<Admission, PortError>;

    /// The attempt was right: forgets the failures of the subject from this network, and the
    /// subject's count over all networks. Other networks' own counts stay.
    async fn succeed(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
    ) -> Result<(), PortError>;

    /// The attempt was not decided (no capacity to hash): takes one failure back. The time of the
    /// last failure MAY stay, which errs on the side of waiting.
    async fn release(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
    ) -> Result<(), PortError>;

    /// The counts of the subject, void ones included, those with the latest failures first. Of many
    /// it MAY leave out the ones after the hundredth.
    async fn counts(&self, subject: &LockoutSubject) -> Result<Vec<FailureCount>, PortError>;

    /// Forgets all failures of this account, from whatever network; `true` if there were any. Records
    /// `lock_lifted` then.
    async fn forget(&self, id: UserId, context: AuditContext) -> Result<bool, PortError>;

    /// Deletes counts whose last failure is before this moment and returns how many; one attempt
    /// makes two, for its network and for all. It MAY stop early, to answer in time.
    async fn delete_stale(&self, before: Timestamp) -> Result<u64, PortError>;
}
