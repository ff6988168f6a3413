//! What the crate promises, format by format.

mod archive;
mod csv;
mod defuse;
mod format;
mod hostile;
mod ndjson;
mod workbook;

use std::io::Cursor;

use crate::{Format, Limits, Reason, Row, RowFault, Table, TableError, open};

/// Opens a file that is these bytes.
fn table(format: Format, bytes: impl Into<Vec<u8>>) -> Result<Table, TableError> {
    open(format, Cursor::new(bytes.into()), Limits::default())
}

/// The headings of a table that opens.
fn headings(format: Format, bytes: impl Into<Vec<u8>>) -> Vec<String> {
    let table = table(format, bytes).unwrap();
    table.headings().iter().map(ToString::to_string).collect()
}

/// The rows of a table that can be read to its end.
fn rows(format: Format, bytes: impl Into<Vec<u8>>) -> Vec<Result<Row, RowFault>> {
    table(format, bytes).unwrap().map(Result::unwrap).collect()
}

/// The number and the cells of each row, of a table without faults.
fn values(format: Format, bytes: impl Into<Vec<u8>>) -> Vec<(u64, Vec<String>)> {
    let values = |row: Row| (row.number, row.cells.into_iter().map(|(_, value)| value).collect());
    rows(format, bytes).into_iter().map(|row| values(row.unwrap())).collect()
}

/// The number and the reason of each row that cannot be read.
fn faults(format: Format, bytes: impl Into<Vec<u8>>) -> Vec<(u64, Reason)> {
    let fault = |fault: RowFault| (fault.number, fault.reason);
    rows(format, bytes).into_iter().filter_map(Result::err).map(fault).collect()
}

/// The numbers of the rows that can be read.
fn read(format: Format, bytes: impl Into<Vec<u8>>) -> Vec<u64> {
    rows(format, bytes).into_iter().flatten().map(|row| row.number).collect()
}

/// A row as it is to be.
fn row<const N: usize>(number: u64, cells: [&str; N]) -> (u64, Vec<String>) {
    (number, cells.map(str::to_owned).to_vec())
}
