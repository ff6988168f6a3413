//! The cells of a sheet, gathered to rows.

use std::io::{Read, Seek};

use calamine::XlsxCellReader;

use super::value::{cell_name, text};
use crate::error::{Reason, TableError};
use crate::row::MAX_ROW_BYTES;

/// What a cell takes besides its text.
const CELL_BYTES: usize = 32;

/// A row that has a cell.
pub(super) struct SheetRow {
    /// As Excel shows it.
    pub(super) number: u64,
    /// Why it must not be used.
    pub(super) fault: Option<Reason>,
    /// Those that are not empty, each with its column.
    cells: Vec<(usize, String)>,
    bytes: usize,
}

impl SheetRow {
    fn new(row: u32) -> Self {
        Self { number: u64::from(row) + 1, fault: None, cells: Vec::new(), bytes: 0 }
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = (usize, &str)> {
        self.cells.iter().map(|(column, cell)| (*column, cell.as_str()))
    }

    fn push(&mut self, cell: Cell) {
        if self.fault.is_some() {
            return;
        }
        let Cell { row, column, value } = cell;
        let place = usize::try_from(column).unwrap_or(usize::MAX);
        match value {
            Err(reason) => self.fault = Some(reason),
            Ok(value) if self.bytes + value.len() > MAX_ROW_BYTES => {
                self.fault = Some(Reason::TooLong);
            }
            Ok(_) if self.cells.last().is_some_and(|(last, _)| *last >= place) => {
                self.fault = Some(Reason::Misplaced { cell: cell_name(row, column) });
            }
            Ok(value) => {
                self.bytes += value.len() + CELL_BYTES;
                self.cells.push((place, value));
            }
        }
    }
}

/// A cell that is not empty.
struct Cell {
    row: u32,
    column: u32,
    value: Result<String, Reason>,
}

/// The rows of a sheet that have a cell.
pub(super) struct SheetRows<'a, R: Read + Seek> {
    cells: XlsxCellReader<'a, R>,
    /// The first cell of the next row.
    next: Option<Cell>,
    /// Whether there are no more cells: what follows them in the file is none.
    ended: bool,
}

impl<'a, R: Read + Seek> SheetRows<'a, R> {
    pub(super) fn new(cells: XlsxCellReader<'a, R>) -> Self {
        Self { cells, next: None, ended: false }
    }

    /// The next row. Their numbers must grow.
    pub(super) fn next_row(&mut self) -> Result<Option<SheetRow>, TableError> {
        let first = match self.next.take() {
            Some(first) => Some(first),
            None => self.next_cell()?,
        };
        let Some(first) = first else { return Ok(None) };
        let number = first.row;
        let mut row = SheetRow::new(number);
        row.push(first);
        while let Some(cell) = self.next_cell()? {
            if cell.row < number {
                return Err(TableError::Damaged);
            }
            if cell.row > number {
                self.next = Some(cell);
                break;
            }
            row.push(cell);
        }
        Ok(Some(row))
    }

    fn next_cell(&mut self) -> Result<Option<Cell>, TableError> {
        while !self.ended {
            let Some(cell) = self.cells.next_cell().map_err(super::error)? else {
                self.ended = true;
                break;
            };
            let (row, column) = cell.get_position();
            let value = text(cell.get_value(), row, column);
            if !matches!(&value, Ok(value) if value.trim().is_empty()) {
                return Ok(Some(Cell { row, column, value }));
            }
        }
        Ok(None)
    }
}
