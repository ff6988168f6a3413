//! # menjin-tables
//!
//! Reads the rows of a table out of a file, and knows nothing of accounts:
//!
//! * [`open`] reads CSV, NDJSON or XLSX ([`Format`]) and gives a [`Table`]: an iterator over its rows.
//! * [`CsvWriter`] writes CSV that Excel reads, with formulas defused ([`defuse`], [`undefuse`]).
//!
//! A row that cannot be read is a [`RowFault`], and the rows after it are read. A file that cannot be
//! read is a [`TableError`], which says what to do. No message has the value of a cell.
//!
//! CSV and NDJSON are read a row at a time, however long the file is. XLSX is checked before it is read:
//! what it unpacks to is limited ([`Limits`]).

mod defuse;
mod encoding;
mod error;
mod format;
mod headings;
mod lines;
mod objects;
mod records;
mod row;
mod table;
mod workbook;
mod writer;

#[cfg(test)]
mod tests;

pub use defuse::{defuse, undefuse};
pub use error::{Reason, RowFault, TableError};
pub use format::Format;
pub use row::{Limits, MAX_COLUMNS, MAX_ROW_BYTES, Row};
pub use table::{Table, open};
pub use writer::CsvWriter;
