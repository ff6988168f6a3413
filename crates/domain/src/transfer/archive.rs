//! The port that reads and fills a whole store.

use async_trait::async_trait;

use crate::common::{Error, PortError};

/// A row: of each column the value as a text, which is the same whatever the store is; `None` for
/// null.
pub type Row = Vec<Option<String>>;

/// Some rows of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Which table.
    pub table: &'static str,
    /// The rows, with all columns, in the order of the table's key.
    pub rows: Vec<Row>,
}

/// How much there is in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// Which table.
    pub table: &'static str,
    /// How many rows.
    pub rows: u64,
    /// The highest id that it ever gave, 0 if it gave none: its row may be gone. `None` if the table
    /// gives no ids.
    pub last_id: Option<i64>,
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
/// do its methods answer in three seconds. All stores have the same tables and columns.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Archive: Send + Sync {
    /// Begins to read. Until the reader is dropped nobody changes anything in the store: who tries
    /// waits, or is refused.
    ///
    /// A snapshot would be enough for reading, but changes that are acknowledged during the
    /// transfer would then be lost silently.
    async fn export(&self) -> Result<Box<dyn ArchiveReader>, PortError>;

    /// Begins to write. MUST return `NotEmpty` if the store keeps anything, or has given an id.
    /// Until the writer commits nothing of it is seen; dropped before, nothing has happened.
    async fn import(&self) -> Result<Box<dyn ArchiveWriter>, Error<NotEmpty>>;
}

/// Reads a store, as of one moment.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ArchiveReader: Send {
    /// How much there is in each table, whether anything is or not.
    async fn contents(&mut self) -> Result<Vec<Contents>, PortError>;

    /// The next rows, a bounded number; `None` at the end. Tables come in an order in which what
    /// refers to another comes after it. A value that no row can have MUST be an error that names the
    /// row.
    async fn next(&mut self) -> Result<Option<Batch>, PortError>;
}

/// Fills an empty store, all or nothing.
#[async_trait]
pub trait ArchiveWriter: Send {
    /// Writes these rows, which come in the order in which [`ArchiveReader::next`] gives them.
    async fn put(&mut self, batch: Batch) -> Result<(), PortError>;

    /// Says that ids up to these have been given: they MUST not be given again.
    async fn reserve_ids(&mut self, given: Vec<Contents>) -> Result<(), PortError>;

    /// What was written, read from the store.
    fn written(&mut self) -> &mut dyn ArchiveReader;

    /// Makes it visible and lasting.
    async fn commit(self: Box<Self>) -> Result<(), PortError>;
}
