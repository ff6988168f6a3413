//! A body in chunks, as it arrives (RFC 9112 §7.1).
//!
//! actix reads chunks too, but accepts any line as a trailer. So it would skip lines that a proxy
//! in front reads as the next request. Chunks and trailers are therefore checked before actix sees
//! them.

use crate::lines::{Flaw, Lines};

/// The longest line, and the longest list of trailers, in bytes.
const MAX_LINES: usize = 4096;

/// The state of a chunked body that is arriving.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    next: Next,
    line: Lines,
    /// Bytes of lines since the last data.
    lines: usize,
}

/// What has to come next.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Next {
    #[default]
    Size,
    Data(u64),
    EndOfData,
    Trailer,
    Nothing,
}

impl Chunks {
    /// Whether all of it has arrived.
    pub(crate) fn is_complete(&self) -> bool {
        self.next == Next::Nothing
    }

    /// Consumes the bytes that arrived, and leaves those after the end of the body.
    pub(crate) fn take(&mut self, bytes: &mut &[u8]) -> Result<(), Flaw> {
        while !bytes.is_empty() && !self.is_complete() {
            if let Next::Data(left) = self.next {
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                *bytes = bytes.get(taken..).unwrap_or_default();
                let left = left.saturating_sub(taken as u64);
                self.next = if left == 0 { Next::EndOfData } else { Next::Data(left) };
                self.lines = 0;
                continue;
            }
            let before = bytes.len();
            let line = self.line.take(bytes)?;
            self.lines += before - bytes.len();
            if self.lines > MAX_LINES {
                return Err(Flaw::Ambiguous);
            }
            if let Some(line) = line {
                self.next = after(self.next, &line).ok_or(Flaw::Ambiguous)?;
            }
        }
        Ok(())
    }
}

/// What must come after this line; `None` if the line is not allowed here.
fn after(expected: Next, line: &[u8]) -> Option<Next> {
    match expected {
        Next::Size => match size(line)? {
            0 => Some(Next::Trailer),
            size => Some(Next::Data(size)),
        },
        Next::EndOfData => line.is_empty().then_some(Next::Size),
        Next::Trailer if line.is_empty() => Some(Next::Nothing),
        Next::Trailer => is_field(line).then_some(Next::Trailer),
        Next::Data(_) | Next::Nothing => None,
    }
}

/// The size of a chunk. Extensions are skipped.
fn size(line: &[u8]) -> Option<u64> {
    let line = std::str::from_utf8(line).ok().filter(|line| !line.contains(char::is_control))?;
    let digits = line.split_once(';').map_or(line, |(digits, _extensions)| digits);
    let digits = digits.trim_end_matches(' ');
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

/// Whether this is a name, a colon and a value (RFC 9112 §5).
fn is_field(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
    let (name, value) = line.split_at(colon);
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let in_value = |byte: &u8| *byte == b'\t' || !byte.is_ascii_control();
    !name.is_empty() && name.iter().all(in_name) && value.iter().all(in_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the bytes in pieces of this size, and returns how many lay beyond the end.
    fn take(bytes: &[u8], size: usize) -> Result<Option<usize>, Flaw> {
        let (mut chunks, mut beyond) = (Chunks::default(), 0);
        for mut piece in bytes.chunks(size) {
            chunks.take(&mut piece)?;
            beyond += piece.len();
        }
        Ok(chunks.is_complete().then_some(beyond))
    }

    #[test]
    fn h1_bodies_in_chunks() {
        for (body, expected) in [
            ("0\r\n\r\n", Ok(Some(0))),
            ("2\r\n{}\r\n0\r\n\r\nGET", Ok(Some(3))),
            ("A;x=\"y\"\r\n0123456789\r\n000\r\nDate: now\r\nX:\r\n\r\n", Ok(Some(0))),
            ("2\r\n\n\n\r\n0  \r\n\r\n", Ok(Some(0))),
            ("2\r\n{}\r\n0\r\n", Ok(None)),
            ("2\r\n{", Ok(None)),
            ("0\r\n\n", Err(Flaw::Ambiguous)),
            ("0\n\r\n", Err(Flaw::Ambiguous)),
            ("0\r\nGET / HTTP/1.1\r\n\r\n", Err(Flaw::Ambiguous)),
            ("0\r\nX: a\rb\r\n\r\n", Err(Flaw::Ambiguous)),
            ("0\r\n X: y\r\n\r\n", Err(Flaw::Ambiguous)),
            ("2\r\n{}0\r\n", Err(Flaw::Ambiguous)),
            ("\r\n", Err(Flaw::Ambiguous)),
            ("+2\r\n", Err(Flaw::Ambiguous)),
            ("2 2\r\n", Err(Flaw::Ambiguous)),
            ("2;\t\r\n", Err(Flaw::Ambiguous)),
            ("10000000000000000\r\n", Err(Flaw::Ambiguous)),
        ] {
            for size in 1..=body.len() {
                assert_eq!(take(body.as_bytes(), size), expected, "{body:?} by {size}");
            }
        }
    }

    #[test]
    fn there_is_an_end_of_trailers_and_extensions() {
        let endless = format!("0\r\n{}", "X: y\r\n".repeat(1000));
        assert_eq!(take(endless.as_bytes(), 100), Err(Flaw::Ambiguous));
        let endless = format!("2;{}", "x".repeat(5000));
        assert_eq!(take(endless.as_bytes(), 100), Err(Flaw::Ambiguous));
    }
}
