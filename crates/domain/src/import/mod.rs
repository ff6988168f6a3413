//! Making and changing many accounts from a table, row by row; and writing such tables.

mod batch;
mod cancel;
mod column;
mod commit;
mod export;
mod get;
mod hashes;
mod plan;
mod row;
mod run;
mod spec;
mod start;
mod tables;
mod work;

pub use batch::ImportBatch;
pub use cancel::CancelImport;
pub use column::ImportColumn;
pub use commit::{CommitImport, CommitImportError};
pub use export::{Cell, ExportColumn, ExportUsers, UserExport};
pub use get::GetImport;
#[cfg(feature = "mock")]
pub use hashes::MockForeignHashes;
pub use hashes::{ForeignHashes, HashRefused};
pub use plan::{Found, Imported, OnConflict, ReadyRow, RowRefusal, Step};
pub use row::{Cells, RowError, RowProblem};
pub(crate) use run::RecordReports;
pub use run::{
    ImportOptions, ImportRun, ImportUsers, Importer, NumberedRow, Outcome, RowReport, UpdateAlso,
};
pub use spec::ReportedRow;
pub use start::{StartImport, StartImportError, StartImportInput};
#[cfg(feature = "mock")]
pub use tables::MockUserTables;
pub use tables::{NoTables, TableFormat, TableUnreadable, UserTable, UserTables};
pub(crate) use work::ImportJob;
