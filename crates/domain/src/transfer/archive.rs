//! The port that reads and fills a whole store.

use async_trait::async_trait;

use crate::common::{Error, PortError};

/// A row: the value of each column as a text that is the same for all stores; `None` for null.
pub type Row = Vec<Option<String>>;

/// Some rows of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Which table.
    pub table: &'static str,
    /// The rows, with all columns, in the order of the table's key.
    pub rows: Vec<Row>,
}

/// The size of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// Which table.
    pub table: &'static str,
    /// How many rows.
    pub rows: u64,
    /// The highest id that it ever gave, even if that row was deleted; 0 if it gave none. `None` if
    /// the table gives no ids.
    pub last_id: Option<i64>,
}

/// The target contains or contained data. Ids must not be given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the database to transfer to is not empty: it has {what}")]
pub struct NotEmpty {
    /// What there is.
    pub what: &'static str,
}

/// All data of a store, for a transfer.
///
/// This is the only port whose changes span several calls, since the data may not fit into memory.
/// Its methods may take longer than three seconds. All stores have the same tables and columns.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Archive: Send + Sync {
    /// Begins to read. Until the reader is dropped, the store does not change: writers wait or are
    /// refused.
    async fn export(&self) -> Result<Box<dyn ArchiveReader>, PortError>;

    /// Begins to write. MUST return `NotEmpty` if the store keeps anything, or has given an id.
    /// Nothing is visible until the writer commits. If it is dropped before, nothing was written.
    async fn import(&self) -> Result<Box<dyn ArchiveWriter>, Error<NotEmpty>>;
}

/// Reads a store, as of one moment.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ArchiveReader: Send {
    /// The size of each table, also of empty ones.
    async fn contents(&mut self) -> Result<Vec<Contents>, PortError>;

    /// The next rows, a bounded number; `None` at the end. A table comes after the tables that it
    /// refers to. An impossible value MUST be an error that names the row.
    async fn next(&mut self) -> Result<Option<Batch>, PortError>;
}

/// Fills an empty store, all or nothing.
#[async_trait]
pub trait ArchiveWriter: Send {
    /// Writes these rows. They come in the order of [`ArchiveReader::next`].
    async fn put(&mut self, batch: Batch) -> Result<(), PortError>;

    /// Tells which ids have been given. They MUST NOT be given again.
    async fn reserve_ids(&mut self, given: Vec<Contents>) -> Result<(), PortError>;

    /// What was written, read from the store.
    fn written(&mut self) -> &mut dyn ArchiveReader;

    /// Makes the data visible and permanent.
    async fn commit(self: Box<Self>) -> Result<(), PortError>;
}
