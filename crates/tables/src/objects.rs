//! NDJSON.

use std::collections::HashSet;
use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::encoding::begin;
use crate::error::{Reason, RowFault, TableError};
use crate::row::{Cells, MAX_COLUMNS, MAX_ROW_BYTES, Row, Source};
use crate::workbook;

/// The longest key, in bytes.
const MAX_KEY: usize = 256;

/// How much of a line is read: more than it may have.
const MAX_LINE: u64 = MAX_ROW_BYTES as u64 + 1;

/// One object a line.
pub(crate) struct Objects {
    source: BufReader<Box<dyn Source>>,
    line: Vec<u8>,
    number: u64,
    headings: Headings,
}

impl Objects {
    pub(crate) fn open(mut source: Box<dyn Source>) -> Result<Self, TableError> {
        let head = begin(&mut source, 4)?;
        if workbook::is_workbook(&head) {
            return Err(TableError::NotText);
        }
        let mark = if head.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        source.seek(SeekFrom::Start(mark))?;
        let (source, headings) = (BufReader::new(source), Headings::default());
        Ok(Self { source, line: Vec::new(), number: 0, headings })
    }

    pub(crate) fn headings(&self) -> &[Arc<str>] {
        &self.headings.list
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<Result<Row, RowFault>>, TableError> {
        loop {
            self.line.clear();
            let mut source = self.source.by_ref().take(MAX_LINE);
            if source.read_until(b'\n', &mut self.line)? == 0 {
                return Ok(None);
            }
            self.number = self.number.saturating_add(1);
            let number = self.number;
            let cells = match self.line.strip_suffix(b"\n") {
                None if self.line.len() > MAX_ROW_BYTES => {
                    skip_line(&mut self.source)?;
                    Err(Reason::TooLong)
                }
                line => read_line(line.unwrap_or(&self.line), &mut self.headings),
            };
            match cells {
                Ok(None) => {}
                Ok(Some(cells)) => return Ok(Some(Ok(Row { number, cells }))),
                Err(reason) => return Ok(Some(Err(RowFault { number, reason }))),
            }
        }
    }
}

fn skip_line(source: &mut BufReader<Box<dyn Source>>) -> io::Result<()> {
    loop {
        let available = source.fill_buf()?;
        let end = memchr::memchr(b'\n', available);
        let (used, ended) =
            end.map_or((available.len(), available.is_empty()), |end| (end + 1, true));
        source.consume(used);
        if ended {
            return Ok(());
        }
    }
}

/// The cells of a line; none if it is blank.
fn read_line(line: &[u8], headings: &mut Headings) -> Result<Option<Cells>, Reason> {
    let Ok(line) = std::str::from_utf8(line) else { return Err(Reason::NotUtf8) };
    if line.trim().is_empty() {
        return Ok(None);
    }
    let Object(entries) = serde_json::from_str(line).map_err(|error| {
        // The message of the library would have the value.
        if error.is_data() { Reason::NotObject } else { Reason::NotJson { column: error.column() } }
    })?;
    if entries.len() > MAX_COLUMNS {
        return Err(Reason::TooManyKeys { max: MAX_COLUMNS });
    }
    let mut seen = HashSet::with_capacity(entries.len());
    let mut cells = Vec::with_capacity(entries.len());
    for (key, value) in &entries {
        let key = key.trim();
        if key.is_empty() || key.len() > MAX_KEY {
            return Err(Reason::UnusableKey);
        }
        if !seen.insert(key) {
            return Err(Reason::DuplicateKey { key: key.to_owned() });
        }
        cells.push((headings.get(key), text(key, value.get())?));
    }
    Ok(Some(cells))
}

/// A value as text. A number stays as it is written, to the last digit.
fn text(key: &str, value: &str) -> Result<String, Reason> {
    match value.as_bytes().first() {
        Some(b'"') => match serde_json::from_str::<String>(value) {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(_) => Err(Reason::NotUnicode { key: key.to_owned() }),
        },
        Some(b'{' | b'[') => Err(Reason::Nested { key: key.to_owned() }),
        Some(b'n') => Ok(String::new()),
        _ => Ok(value.to_owned()),
    }
}

/// The keys so far. No more than a table has columns are kept.
#[derive(Default)]
struct Headings {
    list: Vec<Arc<str>>,
    known: HashSet<Arc<str>>,
}

impl Headings {
    fn get(&mut self, key: &str) -> Arc<str> {
        if let Some(known) = self.known.get(key) {
            return Arc::clone(known);
        }
        let heading: Arc<str> = key.into();
        if self.list.len() < MAX_COLUMNS {
            self.list.push(Arc::clone(&heading));
            self.known.insert(Arc::clone(&heading));
        }
        heading
    }
}

/// The entries of an object in their order, with keys that are there twice.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
