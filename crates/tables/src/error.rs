//! Why a row or a whole file cannot be read. No message has the value of a cell: it may be a password.

use std::io;

use thiserror::Error;

/// The whole file cannot be read, or not further.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TableError {
    /// The source failed.
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
    /// There is no row with headings.
    #[error("the table is empty: its first row must have the headings")]
    Empty,
    /// Two columns have one heading.
    #[error("two columns have the heading \"{heading}\": rename or delete one of them")]
    DuplicateHeading {
        /// The heading that is there twice.
        heading: String,
    },
    /// A heading is further to the right than is read.
    #[error("the table has more than {max} columns: delete those that are not needed")]
    TooManyColumns {
        /// How many may be there.
        max: usize,
    },
    /// The row with the headings cannot be read.
    #[error("the headings in row {number} cannot be read: {reason}")]
    Heading {
        /// The number of the row.
        number: u64,
        /// What is wrong with it.
        reason: Reason,
    },
    /// A record of CSV does not end, so that nothing behind it can be read.
    #[error(
        "row {number} is longer than 1 MiB: is there a quotation mark (\") that is never closed?"
    )]
    RecordTooLong {
        /// The line where it begins.
        number: u64,
    },
    /// What should be CSV or NDJSON is a workbook.
    #[error("the file is a workbook, not text: send it as XLSX, or save it as CSV UTF-8")]
    NotText,
    /// What should be XLSX is something else.
    #[error("the file is no XLSX workbook: save it as \"Excel workbook (.xlsx)\"")]
    NotXlsx,
    /// The workbook has a password, or it is of Excel 97-2003.
    #[error(
        "the workbook has a password or is an old .xls: save it as \"Excel workbook (.xlsx)\" without a password"
    )]
    Encrypted,
    /// The workbook is larger than is read.
    #[error(
        "the workbook is too large: {what}; copy the rows alone to a new workbook, or save it as CSV UTF-8"
    )]
    TooLarge {
        /// What is too large about it.
        what: String,
    },
    /// The file has more rows than are read.
    #[error("the file has more than {max} rows: split it, or save it as CSV UTF-8")]
    TooManyRows {
        /// How many may be there.
        max: u64,
    },
    /// A part of the workbook declares a document type, as no spreadsheet program does.
    #[error(
        "the workbook has a document type declaration: save it anew as \"Excel workbook (.xlsx)\""
    )]
    HasDtd,
    /// The workbook breaks the rules of XLSX.
    #[error("the workbook is damaged: open it and save it anew as \"Excel workbook (.xlsx)\"")]
    Damaged,
}

/// A row that cannot be read. The rows after it can.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("row {number}: {reason}")]
pub struct RowFault {
    /// The number of the row, as in [`Row`](crate::Row).
    pub number: u64,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Reason {
    /// A row of CSV has bytes that are not text.
    #[error("the text is neither UTF-8 nor GB18030: save the file as CSV UTF-8")]
    Encoding,
    /// A line of NDJSON is not UTF-8.
    #[error("the line is not UTF-8")]
    NotUtf8,
    /// There is a value in a column without a heading.
    #[error("there is a value in column {column}, which has no heading")]
    NoHeading {
        /// The column, of which the first is 1.
        column: usize,
    },
    /// A cell of CSV does not end before the file does.
    #[error("a quotation mark (\") that opens here is never closed")]
    OpenQuote,
    /// The row is longer than [`MAX_ROW_BYTES`](crate::MAX_ROW_BYTES).
    #[error("the row is longer than 1 MiB")]
    TooLong,
    /// A cell of XLSX has an error in place of a value.
    #[error("cell {cell} has the error {error}")]
    CellError {
        /// The name of the cell, as `B3`.
        cell: String,
        /// The error, as `#N/A`.
        error: String,
    },
    /// The cells of a row of XLSX are not in their order.
    #[error("cell {cell} is there twice or not in its place")]
    Misplaced {
        /// The name of the cell.
        cell: String,
    },
    /// A line of NDJSON is not JSON.
    #[error("the line is not JSON (at character {column})")]
    NotJson {
        /// Where in the line.
        column: usize,
    },
    /// A line of NDJSON is JSON, but no object.
    #[error("the line is not a JSON object")]
    NotObject,
    /// A line of NDJSON has too many keys.
    #[error("the object has more than {max} keys")]
    TooManyKeys {
        /// How many it may have.
        max: usize,
    },
    /// A line of NDJSON has a key that is empty or very long.
    #[error("a key of the object is empty or longer than 256 bytes")]
    UnusableKey,
    /// A line of NDJSON has a key twice.
    #[error("the key \"{key}\" is there twice")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// A value of NDJSON is an array or an object.
    #[error("the value of \"{key}\" is an array or an object")]
    Nested {
        /// Its key.
        key: String,
    },
    /// A text of NDJSON has an escape that stands for no character.
    #[error("the value of \"{key}\" is not Unicode")]
    NotUnicode {
        /// Its key.
        key: String,
    },
}
