//! CSV for spreadsheets.

use std::io::{self, Write};

use crate::defuse::defuse;

/// Writes CSV that Excel reads: UTF-8 with its mark, and no cell that it would take for a formula.
pub struct CsvWriter<W: Write> {
    csv: csv::Writer<W>,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the mark. The first row should be the headings.
    ///
    /// # Errors
    /// The mark cannot be written.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all("\u{FEFF}".as_bytes())?;
        Ok(Self::continuing(out))
    }

    /// Goes on where another has ended: without the mark.
    pub fn continuing(out: W) -> Self {
        let csv = csv::WriterBuilder::new()
            .flexible(true)
            .terminator(csv::Terminator::CRLF)
            .from_writer(out);
        Self { csv }
    }

    /// Writes a row, each cell as [`defuse`] gives it.
    ///
    /// # Errors
    /// The row cannot be written.
    pub fn write<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        for cell in cells {
            self.csv.write_field(defuse(cell).as_ref())?;
        }
        Ok(self.csv.write_record(None::<&[u8]>)?)
    }

    /// Writes what is still to be written, and gives back where it went.
    ///
    /// # Errors
    /// The rest cannot be written.
    pub fn finish(self) -> io::Result<W> {
        self.csv.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}
