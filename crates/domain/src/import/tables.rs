//! The port that reads tables of users.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::import::NumberedRow;

/// The format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TableFormat {
    /// Comma-separated values, or with semicolons or tabs.
    Csv,
    /// A JSON object a line.
    Ndjson,
    /// An Excel workbook.
    Xlsx,
}

/// Why a table cannot be read, for whoever made it. It holds no value of a cell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TableUnreadable(pub String);

/// Reads tables of users.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait UserTables: Send + Sync {
    /// Opens a table.
    ///
    /// # Errors
    /// It is not of this format, or too large when it is unpacked, or its columns make no sense.
    async fn open(
        &self,
        format: TableFormat,
        file: Vec<u8>,
    ) -> Result<Box<dyn UserTable>, TableUnreadable>;
}

/// A table of users, row by row.
#[async_trait]
pub trait UserTable: Send {
    /// The next rows, at most this many. None: there are no more.
    ///
    /// # Errors
    /// The rest cannot be read.
    async fn next(&mut self, max: usize) -> Result<Vec<NumberedRow>, TableUnreadable>;
}

/// One that reads no table: for what is put together without jobs.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTables;

#[async_trait]
impl UserTables for NoTables {
    async fn open(
        &self,
        _: TableFormat,
        _: Vec<u8>,
    ) -> Result<Box<dyn UserTable>, TableUnreadable> {
        Err(TableUnreadable("there is nothing that reads tables".to_owned()))
    }
}
