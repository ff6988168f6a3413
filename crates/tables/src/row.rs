//! A row, and what of a file is read at most.

use std::io::{Read, Seek};
use std::sync::Arc;

/// How many columns a table has at most.
pub const MAX_COLUMNS: usize = 1000;

/// How long a row is at most, in bytes.
pub const MAX_ROW_BYTES: usize = 1024 * 1024;

/// What of a file is read at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many rows below the headings, those that cannot be read among them. None: 50,000 of XLSX, any
    /// number of CSV and NDJSON.
    pub max_rows: Option<u64>,
    /// How many bytes XLSX may unpack to.
    pub max_unpacked: u64,
    /// How many times its own size XLSX may unpack to.
    pub max_ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_rows: None, max_unpacked: 64 * 1024 * 1024, max_ratio: 100 }
    }
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line of the file where it begins (CSV, NDJSON), or its number in the sheet as Excel shows it
    /// (XLSX). The first is 1.
    pub number: u64,
    /// Its cells, each with its heading. Both are trimmed.
    pub cells: Vec<(Arc<str>, String)>,
}

/// The cells of a row.
pub(crate) type Cells = Vec<(Arc<str>, String)>;

/// Where a file is read from.
pub(crate) trait Source: Read + Seek + Send {}

impl<T: Read + Seek + Send> Source for T {}
