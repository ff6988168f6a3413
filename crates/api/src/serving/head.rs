//! The lines of a request's head, as they arrive.
//!
//! actix takes LF alone for the end of a line, as RFC 9112 §2.2 allows, where a proxy in front may
//! have taken it for a part of a value: what the proxy checked would not be what is done here. It
//! also waits for up to 128 KiB. So the lines are looked at before actix sees them.

/// The longest head, in bytes.
pub(super) const MAX_HEAD: usize = 32 * 1024;

/// What is wrong with a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A line ends with LF alone.
    BareLf,
    /// There are too many bytes.
    TooLong,
}

/// What has arrived of a head.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Bytes in all.
    length: usize,
    /// Bytes of the line that is not at its end yet.
    line: usize,
    /// Lines that were not empty.
    lines: usize,
    ends_with_cr: bool,
    complete: bool,
}

impl Head {
    /// Takes in what has arrived, and tells how many bytes of it lie beyond the end of the head.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, Flaw> {
        let mut beyond = bytes.len();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.complete {
                break;
            }
            beyond -= piece.len();
            self.length += piece.len();
            if self.length > MAX_HEAD {
                return Err(Flaw::TooLong);
            }
            let Some(rest) = piece.strip_suffix(b"\n") else {
                self.line += piece.len();
                self.ends_with_cr = piece.last() == Some(&b'\r');
                break;
            };
            if !rest.last().map_or(self.ends_with_cr, |byte| *byte == b'\r') {
                return Err(Flaw::BareLf);
            }
            // Empty lines may come before a request (RFC 9112 §2.2); the first one after it ends it.
            let is_empty = self.line + rest.len() == 1;
            self.complete = is_empty && self.lines > 0;
            self.lines += usize::from(!is_empty);
            self.line = 0;
            self.ends_with_cr = false;
        }
        Ok(beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    /// Takes in the bytes in pieces of this size.
    fn take(bytes: &[u8], size: usize) -> Result<bool, Flaw> {
        let mut head = Head::default();
        for piece in bytes.chunks(size) {
            head.take(piece)?;
        }
        Ok(head.complete)
    }

    #[test]
    fn a_head_ends_with_its_first_empty_line() {
        for size in 1..=HEAD.len() {
            assert_eq!(take(HEAD, size), Ok(true), "{size}");
            assert_eq!(take(HEAD.split_last().unwrap().1, size), Ok(false), "{size}");
            assert_eq!(take(&[b"\r\n\r\n", HEAD].concat(), size), Ok(true), "{size}");
            assert_eq!(take(b"\r\n\r\n", size), Ok(false), "{size}");
        }
    }

    #[test]
    fn h1_a_line_that_ends_with_lf_alone_is_found_wherever_it_is_torn() {
        for bytes in [
            &b"GET / HTTP/1.1\nHost: x\r\n\r\n"[..],
            b"GET / HTTP/1.1\r\nHost: x\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n\n",
            b"\nGET / HTTP/1.1\r\n",
        ] {
            for size in 1..=bytes.len() {
                assert_eq!(take(bytes, size), Err(Flaw::BareLf), "{size}");
            }
        }
    }

    #[test]
    fn what_follows_a_head_is_counted_and_not_looked_at() {
        let mut head = Head::default();
        let (first, second) = HEAD.split_at(10);
        assert_eq!(head.take(first), Ok(0));
        assert_eq!(head.take(&[second, b"a\nb"].concat()), Ok(3));
        assert_eq!(head.take(b"\nc"), Ok(2));
    }

    #[test]
    fn a_head_has_an_end() {
        let longest = [b"GET /".as_slice(), &vec![b'x'; MAX_HEAD - 5]].concat();
        assert_eq!(take(&longest, 1000), Ok(false));
        assert_eq!(take(&[longest.as_slice(), b"x"].concat(), 1000), Err(Flaw::TooLong));
    }
}
