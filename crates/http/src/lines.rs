//! Lines that end with CRLF, from bytes that arrive in any pieces.

use std::borrow::Cow;

/// What is wrong with a request before it is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It could be read in two ways.
    Ambiguous,
    /// There are too many bytes.
    TooLong,
}

/// The beginning of a line whose end has not arrived yet.
#[derive(Debug, Default)]
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    /// Takes a line from the front, and returns it without its end. Takes all bytes and returns
    /// `None` if the end has not arrived.
    pub(crate) fn take<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, Flaw> {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            self.0.extend_from_slice(std::mem::take(bytes));
            return Ok(None);
        };
        let (line, rest) = bytes.split_at(end);
        *bytes = rest.get(1..).unwrap_or_default();
        if self.0.is_empty() {
            return Ok(Some(Cow::Borrowed(line.strip_suffix(b"\r").ok_or(Flaw::Ambiguous)?)));
        }
        let mut whole = std::mem::take(&mut self.0);
        whole.extend_from_slice(line);
        if whole.pop() != Some(b'\r') {
            return Err(Flaw::Ambiguous);
        }
        Ok(Some(Cow::Owned(whole)))
    }
}
