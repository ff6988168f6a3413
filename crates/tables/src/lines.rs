//! Text a line at a time, so that each record of CSV is known by the line where it begins.

use std::io::{self, BufRead, Read};

use crate::row::MAX_ROW_BYTES;

/// Gives one line at most to each call of `read`, and watches the record that is being read.
///
/// The reader of CSV asks for more only when it has used what it got: when a record ends, nothing of the
/// next line has been given.
pub(crate) struct Lines<R> {
    source: R,
    /// How many lines have begun.
    line: u64,
    /// Whether the next byte begins a line.
    fresh: bool,
    ended: bool,
    /// The line where the record begins, once that is known.
    first: Option<u64>,
    bytes: usize,
    quotes: usize,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, line: 0, fresh: true, ended: false, first: None, bytes: 0, quotes: 0 }
    }

    /// The next record begins.
    pub(crate) fn begin(&mut self) {
        (self.first, self.bytes, self.quotes) = (None, 0, 0);
    }

    /// The line where the record begins; none if it begins in a line of another.
    pub(crate) fn first(&self) -> Option<u64> {
        self.first
    }

    /// Whether the record is too long to be read.
    pub(crate) fn is_too_long(&self) -> bool {
        self.bytes > MAX_ROW_BYTES
    }

    /// Whether the record went on to the end of the file for want of a quotation mark.
    pub(crate) fn is_open(&self) -> bool {
        self.ended && self.quotes % 2 == 1 && self.first.is_some_and(|first| first < self.line)
    }
}

impl<R: BufRead> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.source.fill_buf()?;
        let line = match memchr::memchr(b'\n', available) {
            Some(end) => available.get(..=end).unwrap_or(available),
            None => available,
        };
        let given = line.get(..buffer.len()).unwrap_or(line);
        let Some((&head, &last)) = given.first().zip(given.last()) else {
            self.ended = true;
            return Ok(0);
        };
        if self.fresh {
            self.line += 1;
            if self.first.is_none() && !matches!(head, b'\r' | b'\n') {
                self.first = Some(self.line);
            }
        }
        self.fresh = last == b'\n';
        if self.first.is_some() {
            self.bytes += given.len();
            self.quotes += memchr::memchr_iter(b'"', given).count();
        }
        if self.bytes > MAX_ROW_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = given.len();
        for (place, byte) in buffer.iter_mut().zip(given) {
            *place = *byte;
        }
        self.source.consume(read);
        Ok(read)
    }
}
