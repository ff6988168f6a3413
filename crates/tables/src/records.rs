//! CSV.

use std::io::{self, BufRead, Chain, Cursor, Read as _};
use std::sync::Arc;

use csv::StringRecord;

use crate::encoding::{Decoded, begin, detect};
use crate::error::{Reason, RowFault, TableError};
use crate::headings::Headings;
use crate::lines::Lines;
use crate::row::{MAX_ROW_BYTES, Row, Source};
use crate::workbook;

/// What may stand between cells. The first wins if two are there as often.
const DELIMITERS: [u8; 3] = *b",;\t";

/// The records below the headings.
pub(crate) struct Records {
    reader: Reader,
    headings: Headings,
}

impl Records {
    pub(crate) fn open(mut source: Box<dyn Source>) -> Result<Self, TableError> {
        if workbook::is_workbook(&begin(&mut source, 4)?) {
            return Err(TableError::NotText);
        }
        let detected = detect(&mut source)?;
        let mut reader = Reader::new(Decoded::new(source, detected)?, !detected.valid)?;
        while let Some(number) = reader.next_record()? {
            let headings = Headings::new(reader.record.iter().enumerate())?;
            if let Some(reason) = reader.fault() {
                return Err(TableError::Heading { number, reason });
            }
            if let Some(headings) = headings {
                return Ok(Self { reader, headings });
            }
        }
        Err(TableError::Empty)
    }

    pub(crate) fn headings(&self) -> &[Arc<str>] {
        self.headings.list()
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<Result<Row, RowFault>>, TableError> {
        while let Some(number) = self.reader.next_record()? {
            let cells = match self.reader.fault() {
                Some(reason) => Err(reason),
                None => self.headings.row(self.reader.record.iter().enumerate()),
            };
            match cells {
                Ok(None) => {}
                Ok(Some(cells)) => return Ok(Some(Ok(Row { number, cells }))),
                Err(reason) => return Ok(Some(Err(RowFault { number, reason }))),
            }
        }
        Ok(None)
    }
}

/// What [`find_delimiter`] has read already, and the rest.
type Text = Chain<Cursor<Vec<u8>>, Decoded<Box<dyn Source>>>;

struct Reader {
    csv: csv::Reader<Lines<Text>>,
    record: StringRecord,
    /// The number of the record.
    number: u64,
    /// Whether U+FFFD stands for bytes that are not text.
    replaced: bool,
}

impl Reader {
    fn new(mut text: Decoded<Box<dyn Source>>, replaced: bool) -> io::Result<Self> {
        let mut beginning = Vec::new();
        let delimiter = find_delimiter(&mut text, &mut beginning)?;
        let csv = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(Lines::new(Cursor::new(beginning).chain(text)));
        Ok(Self { csv, record: StringRecord::new(), number: 0, replaced })
    }

    /// Reads the next record and gives its number.
    fn next_record(&mut self) -> Result<Option<u64>, TableError> {
        self.csv.get_mut().begin();
        let read = self.csv.read_record(&mut self.record);
        let lines = self.csv.get_ref();
        // Where lines end with CR alone, they are all one to us; records are not.
        self.number = lines.first().unwrap_or(self.number.saturating_add(1));
        match read {
            Ok(true) => Ok(Some(self.number)),
            Ok(false) => Ok(None),
            Err(_) if lines.is_too_long() => Err(TableError::RecordTooLong { number: self.number }),
            Err(error) => Err(TableError::Io(error.into())),
        }
    }

    /// Why the record must not be used.
    fn fault(&self) -> Option<Reason> {
        if self.csv.get_ref().is_open() {
            Some(Reason::OpenQuote)
        } else if self.replaced && self.record.as_slice().contains(char::REPLACEMENT_CHARACTER) {
            Some(Reason::Encoding)
        } else {
            None
        }
    }
}

/// Reads up to the end of the line with the headings, and finds what stands between them.
fn find_delimiter(text: &mut impl BufRead, read: &mut Vec<u8>) -> io::Result<u8> {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || DELIMITERS.contains(byte);
    let mut line = 0;
    loop {
        let room = u64::try_from(MAX_ROW_BYTES.saturating_sub(read.len())).unwrap_or_default();
        let ended = text.take(room).read_until(b'\n', read)? == 0;
        let bytes = read.get(line..).unwrap_or_default();
        if ended || !bytes.iter().all(blank) {
            return Ok(most_frequent(bytes));
        }
        line = read.len();
    }
}

fn most_frequent(line: &[u8]) -> u8 {
    let mut counts = DELIMITERS.map(|delimiter| (delimiter, 0_usize));
    let (mut quoted, mut begun) = (false, false);
    for &byte in line {
        match byte {
            b'"' => quoted = !quoted,
            b'\r' if begun && !quoted => break,
            _ if quoted => {}
            _ => {
                for (delimiter, count) in &mut counts {
                    *count += usize::from(*delimiter == byte);
                }
            }
        }
        begun |= !byte.is_ascii_whitespace();
    }
    // Of several that are greatest, `max_by_key` takes the last.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}
