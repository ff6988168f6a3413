//! The repository of failed attempts at passwords.

use std::fmt;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use crate::accounts::LoginName;
use crate::audit::AuditContext;
use crate::common::text::hex;
use crate::common::{ClientNetwork, PortError, Timestamp, UserId};
use crate::lockout::{Admission, AttemptLimits, FailureCount};

/// The account that attempts at a password are counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LockoutSubject {
    /// An account, whichever spelling, name or address was used.
    Account(UserId),
    /// A name that nobody has, as the SHA-256 of its canonical form, since people may type a
    /// password into the name field by mistake. It is counted like any other name, so that a lock
    /// does not reveal which names exist.
    Nobody([u8; 32]),
    /// The codes of the second factor of an account, which have a count of their own.
    Codes(UserId),
}

impl LockoutSubject {
    /// The subject for a name that nobody has.
    pub fn nobody(name: &LoginName) -> Self {
        Self::Nobody(Sha256::digest(name.canonical().as_bytes()).into())
    }
}

impl fmt::Display for LockoutSubject {
    /// A key for stores: `account:7`, `codes:7`, `nobody:<64 hexadecimal digits>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(f, "account:{id}"),
            Self::Codes(id) => write!(f, "codes:{id}"),
            Self::Nobody(digest) => write!(f, "nobody:{}", hex(digest)),
        }
    }
}

/// Counts failed attempts at passwords, exactly, over all processes and restarts.
///
/// A count starts anew when it is reset, or once a whole `window` has passed since its last
/// failure: failures that are a little less than that apart add up. That is stricter than [`Limit`](crate::lockout::Limit)
/// requires and needs no list of times. For one account it means "in a row", since a success resets
/// the count.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait LockoutRepository: Send + Sync {
    /// Counts an attempt as a failure before its password is checked, or refuses it.
    ///
    /// Of any number of concurrent attempts it MUST admit exactly as many as the limits allow. A
    /// refused attempt MUST NOT be counted. `retry_after` is the longer of the two waits. Counts
    /// are taken, and kept, as of now ([`Failures::as_of`](crate::lockout::Failures::as_of)), whether
    /// the attempt is admitted or refused.
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
    /// last failure MAY stay, which only makes the wait longer.
    async fn release(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
    ) -> Result<(), PortError>;

    /// The counts of the subject, the latest failures first. It includes counts that no longer
    /// matter. It MAY leave out all after the hundredth.
    async fn counts(&self, subject: &LockoutSubject) -> Result<Vec<FailureCount>, PortError>;

    /// Forgets all failures of this account, from every network; `true` if there were any. In that
    /// case it records `lock_lifted`.
    async fn forget(&self, id: UserId, context: AuditContext) -> Result<bool, PortError>;

    /// Deletes counts whose last failure is before this moment and returns how many; one attempt
    /// makes two, for its network and for all. It MAY stop early, to answer in time.
    async fn delete_stale(&self, before: Timestamp) -> Result<u64, PortError>;
}
