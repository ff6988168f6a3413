//! Making and changing many accounts from a table, row by row.

mod column;
mod hashes;
mod plan;
mod row;
mod run;

pub use column::ImportColumn;
#[cfg(feature = "mock")]
pub use hashes::MockForeignHashes;
pub use hashes::{ForeignHashes, HashRefused};
pub use plan::{Found, ImportBatch, Imported, OnConflict, ReadyRow, RowRefusal, Step};
pub use row::{Cells, RowError, RowProblem};
pub use run::{
    ImportOptions, ImportRun, ImportUsers, Importer, NumberedRow, Outcome, RowReport, UpdateAlso,
};
