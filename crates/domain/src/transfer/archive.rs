//! The port that reads and fills a whole store.

use async_trait::async_trait;

use crate::accounts::User;
use crate::audit::AuditRecord;
use crate::common::{Error, PortError, Timestamp};
use crate::credentials::{CredentialVersion, PasswordHash};
use crate::sessions::{Generation, Session};

/// An account with all that is kept of it.
#[derive(Debug, Clone)]
pub struct UserRecord {
    /// What can be seen of it.
    pub user: User,
    /// The hash of the password.
    pub hash: PasswordHash,
    /// The credential version.
    pub credential_version: CredentialVersion,
}

/// A session with all that is kept of it.
#[derive(Debug, Clone)]
pub struct SessionRecord {
    /// What can be seen of it.
    pub session: Session,
    /// The generation before the current one that was not void, and when it was first used.
    pub predecessor: Option<(Generation, Timestamp)>,
    /// When it was ended, if it was.
    pub ended_at: Option<Timestamp>,
}

/// A count of failed log-ins as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockoutRecord {
    /// Which account, as [`LockoutSubject`](crate::ports::LockoutSubject) prints.
    pub subject: String,
    /// Which network, as [`ClientNetwork`](crate::values::ClientNetwork) prints; empty for all.
    pub network: String,
    /// How many failures.
    pub failures: i64,
    /// When the last one was.
    pub last_failure_at: Timestamp,
}

/// Some records of one kind.
#[derive(Debug, Clone)]
pub enum Batch {
    /// Accounts, by ascending id.
    Users(Vec<UserRecord>),
    /// Sessions, by ascending id, compared as bytes.
    Sessions(Vec<SessionRecord>),
    /// Counts, by ascending subject and network, compared as bytes.
    Lockouts(Vec<LockoutRecord>),
    /// Records of what happened, by ascending time and id.
    Events(Vec<AuditRecord>),
}

impl Batch {
    /// How many records.
    pub fn len(&self) -> usize {
        match self {
            Self::Users(records) => records.len(),
            Self::Sessions(records) => records.len(),
            Self::Lockouts(records) => records.len(),
            Self::Events(records) => records.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// How many records, of all kinds.
    pub records: u64,
    /// The highest id that an account was ever given; 0 if none was. Its account may be gone.
    pub last_user_id: i64,
    /// The same of records of what happened.
    pub last_event_id: i64,
}

/// The target has something already, or has had: ids must not be given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the database to transfer to is not empty: it has {what}")]
pub struct NotEmpty {
    /// What there is.
    pub what: &'static str,
}

/// Everything that a store keeps, to be taken elsewhere.
///
/// The one port whose changes span several calls, since what is moved need not fit into memory. Nor
/// do its methods answer in three seconds.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Archive: Send + Sync {
    /// Begins to read. Until the reader is dropped nobody changes anything in the store: who tries
    /// waits, or is refused.
    async fn export(&self) -> Result<Box<dyn ArchiveReader>, PortError>;

    /// Begins to write. MUST return `NotEmpty` if the store keeps anything, or has given an id.
    /// Until the writer commits nothing of it is seen; dropped before, nothing has happened.
    async fn import(&self) -> Result<Box<dyn ArchiveWriter>, Error<NotEmpty>>;
}

/// Reads a store, as of one moment.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ArchiveReader: Send {
    /// How much there is.
    async fn contents(&mut self) -> Result<Contents, PortError>;

    /// The next records, a bounded number; `None` at the end. Kinds come in the order of [`Batch`]'s
    /// variants: what refers to another comes after it.
    async fn next(&mut self) -> Result<Option<Batch>, PortError>;
}

/// Fills an empty store, all or nothing.
#[async_trait]
pub trait ArchiveWriter: Send {
    /// Writes these records, which come in the order in which [`ArchiveReader::next`] gives them.
    async fn put(&mut self, batch: Batch) -> Result<(), PortError>;

    /// Says that ids up to these have been given: they MUST not be given again.
    async fn reserve_ids(&mut self, given: Contents) -> Result<(), PortError>;

    /// What was written, read from the store.
    fn written(&mut self) -> &mut dyn ArchiveReader;

    /// Makes it visible and lasting.
    async fn commit(self: Box<Self>) -> Result<(), PortError>;
}
