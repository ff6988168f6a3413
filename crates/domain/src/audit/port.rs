//! The ports of the audit log: stored records, and the queue of failures.

use async_trait::async_trait;

use crate::audit::{
    AuditAction, AuditEvent, AuditOutcome, AuditPosition, AuditRecord, ChangedField,
};
use crate::common::{PortError, Timestamp, UserId};

/// Which records to list: those that match all fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// This user did it, or it was done on their account.
    pub user: Option<UserId>,
    /// This happened.
    pub action: Option<AuditAction>,
    /// It has this outcome.
    pub outcome: Option<AuditOutcome>,
    /// This field of an account was changed.
    pub changed: Option<ChangedField>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOrder {
    /// The newest record comes first.
    NewestFirst,
    /// The oldest record comes first.
    OldestFirst,
}

/// A part of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditQuery {
    /// Which.
    pub filter: AuditFilter,
    /// In which order.
    pub order: AuditOrder,
    /// Only records after this position in that order.
    pub beyond: Option<AuditPosition>,
    /// How many at most.
    pub limit: u64,
}

/// The audit records. They are appended and never changed.
///
/// Events of changes are not appended here. The port that makes the change appends its event, in
/// the same atomic change (see [`crate::common`]).
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AuditRepository: Send + Sync {
    /// Keeps these events: all of them or none.
    async fn append(&self, events: Vec<AuditEvent>) -> Result<(), PortError>;

    /// The records that match, in the order of their [positions](AuditRecord::position), each once.
    ///
    /// Events are stored in about the order in which they happened. A list MAY lack some events of
    /// the last few seconds that a later list has.
    async fn list(&self, query: AuditQuery) -> Result<Vec<AuditRecord>, PortError>;

    /// How often this happened at `since` or later, and before `until`. It need not count
    /// [`AuditAction::Refreshed`], which happens all the time.
    async fn count(
        &self,
        action: AuditAction,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<u64, PortError>;

    /// Deletes records of what happened before this moment and returns how many. It MAY stop early,
    /// to answer in time; the next call goes on. Nothing else deletes records.
    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError>;
}

/// Takes events of what changed nothing, mostly failures. Callers do not wait until such an event
/// is stored.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait AuditTrail: Send + Sync {
    /// Stores the event soon. MUST NOT block or fail. It MAY drop an event that it cannot store,
    /// and MUST then tell the operator. An event is stored at most once.
    fn note(&self, event: AuditEvent);
}
