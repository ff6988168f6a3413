//! Making and changing many accounts from a table, row by row; and writing such tables.

mod column;
mod export;
mod hashes;
mod plan;
mod row;
mod run;

pub use column::ImportColumn;
pub use export::{Cell, ExportColumn, ExportUsers, UserExport};
#[cfg(feature = "mock")]
pub use hashes::MockForeignHashes;
pub use hashes::{ForeignHashes, HashRefused};
pub use plan::{Found, ImportBatch, Imported, OnConflict, ReadyRow, RowRefusal, Step};
pub use row::{Cells, RowError, RowProblem};
pub use run::{
    ImportOptions, ImportRun, ImportUsers, Importer, NumberedRow, Outcome, RowReport, UpdateAlso,
};
