//! The ports of the audit log: stored records, and the queue of failures.

use async_trait::async_trait;

use crate::audit::{AuditAction, AuditEvent, AuditOutcome, AuditPosition, AuditRecord};
use crate::common::{PortError, Timestamp, UserId};

/// Which records to list: those that all of these hold for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// This user did it, or it was done on their account.
    pub user: Option<UserId>,
    /// This happened.
    pub action: Option<AuditAction>,
    /// It went so.
    pub outcome: Option<AuditOutcome>,
    /// Then or later.
    pub since: Option<Timestamp>,
    /// Before then.
    pub until: Option<Timestamp>,
}

/// Which end a list begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOrder {
    /// What happened last comes first.
    NewestFirst,
    /// What happened first comes first.
    OldestFirst,
}

/// A part of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditQuery {
    /// Which.
    pub filter: AuditFilter,
    /// In which order.
    pub order: AuditOrder,
    /// Only those that come after this place in that order.
    pub beyond: Option<AuditPosition>,
    /// How many at most.
    pub limit: u64,
}

/// The records of what happened. They are appended and never changed.
///
/// Events of changes are not appended here: the port that makes the change does, in the same atomic
/// change (see the documentation of the module).
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AuditRepository: Send + Sync {
    /// Keeps these events: all of them or none.
    async fn append(&self, events: Vec<AuditEvent>) -> Result<(), PortError>;

    /// The records that match, in the order of their [positions](AuditRecord::position), each once.
    ///
    /// Events are kept at about the time that they happened, not in exactly that order: of the last
    /// few seconds a list MAY lack some that a later one has.
    async fn list(&self, query: AuditQuery) -> Result<Vec<AuditRecord>, PortError>;

    /// Deletes records of what happened before this moment and returns how many. It MAY stop early,
    /// to answer in time; the next call goes on. Nothing else deletes records.
    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError>;
}

/// Takes events of what changed nothing, failures above all, so that nobody waits for their being
/// kept.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait AuditTrail: Send + Sync {
    /// Keeps the event soon. MUST NOT block or fail; it MAY drop the event where it cannot be kept,
    /// and MUST make that known to the operator. An event is kept once or not at all.
    fn note(&self, event: AuditEvent);
}
