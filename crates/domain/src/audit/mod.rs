//! The audit log: the use-case that shows it. Records are written by the ports that change something,
//! and by [`AuditTrail`](crate::ports::AuditTrail) where nothing was changed.

mod list_records;

pub use list_records::{AuditPage, ListRecords, ListRecordsError, ListRecordsInput};
