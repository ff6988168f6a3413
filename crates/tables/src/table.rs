//! A table, whatever its format.

use std::fmt;
use std::io::{Read, Seek};
use std::sync::Arc;

use crate::error::{RowFault, TableError};
use crate::format::Format;
use crate::objects::Objects;
use crate::records::Records;
use crate::row::{Limits, Row, Source};
use crate::workbook::Workbook;

/// How many rows of a workbook are read, if the limits do not say.
const WORKBOOK_ROWS: u64 = 50_000;

/// The rows of a table, one at a time. After an error there are no more.
pub struct Table {
    rows: Rows,
    max_rows: u64,
    given: u64,
    ended: bool,
}

enum Rows {
    Csv(Box<Records>),
    Ndjson(Objects),
    Xlsx(Workbook),
}

/// Opens a table. It is read from the beginning of the source, wherever that stands.
///
/// # Errors
/// The source fails, or it is not of this format, or it breaks the limits, or its headings cannot be
/// used.
pub fn open(
    format: Format,
    source: impl Read + Seek + Send + 'static,
    limits: Limits,
) -> Result<Table, TableError> {
    let source: Box<dyn Source> = Box::new(source);
    let (rows, usual) = match format {
        Format::Csv => (Rows::Csv(Box::new(Records::open(source)?)), u64::MAX),
        Format::Ndjson => (Rows::Ndjson(Objects::open(source)?), u64::MAX),
        Format::Xlsx => (Rows::Xlsx(Workbook::open(source, &limits)?), WORKBOOK_ROWS),
    };
    Ok(Table { rows, max_rows: limits.max_rows.unwrap_or(usual), given: 0, ended: false })
}

impl Table {
    /// The headings, from left to right. Of NDJSON: the keys that have been read so far.
    pub fn headings(&self) -> &[Arc<str>] {
        match &self.rows {
            Rows::Csv(records) => records.headings(),
            Rows::Ndjson(objects) => objects.headings(),
            Rows::Xlsx(workbook) => workbook.headings(),
        }
    }
}

impl Iterator for Table {
    type Item = Result<Result<Row, RowFault>, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = match &mut self.rows {
            Rows::Csv(records) => records.next_row(),
            Rows::Ndjson(objects) => objects.next_row(),
            Rows::Xlsx(workbook) => workbook.next_row(),
        };
        let next = match next.transpose() {
            Some(Ok(_)) if self.given >= self.max_rows => {
                Some(Err(TableError::TooManyRows { max: self.max_rows }))
            }
            next => next,
        };
        self.given = self.given.saturating_add(1);
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl std::iter::FusedIterator for Table {}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("headings", &self.headings()).finish_non_exhaustive()
    }
}
