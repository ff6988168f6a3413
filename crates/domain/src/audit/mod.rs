//! The audit log: what happened, by whom, from where.

mod count_by_day;
mod event;
mod list_records;
mod names;
mod port;
mod position;

pub use count_by_day::{CountByDay, DayCount};
pub use event::{AuditContext, AuditEvent, AuditRecord};
pub use list_records::{AuditPage, ListRecords, ListRecordsInput};
pub use names::{AuditAction, AuditOutcome, AuditReason, ChangedField, UnknownName};
pub use port::{AuditFilter, AuditOrder, AuditQuery, AuditRepository, AuditTrail};
#[cfg(feature = "mock")]
pub use port::{MockAuditRepository, MockAuditTrail};
pub use position::{AuditPosition, AuditRecordId, InvalidPosition};
