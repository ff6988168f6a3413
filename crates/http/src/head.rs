//! The lines of a request's head, as they arrive.
//!
//! actix accepts a single LF as the end of a line, as RFC 9112 §2.2 allows. A proxy in front may
//! read it as part of a value. Then the proxy has checked another request than the one that runs
//! here. actix also accepts heads of up to 128 KiB. So the lines are checked before actix sees
//! them.

use std::borrow::Cow;
use std::ops::Range;

use actix_web::http::header::HeaderValue;

use crate::limits::{MAX_FIELDS, MAX_HEAD};
use crate::lines::{Flaw, Lines};

/// What has arrived of a head.
#[derive(Debug, Default)]
pub(crate) struct Head {
    length: usize,
    fields: usize,
    line: Lines,
    begun: bool,
    chunked: bool,
    complete: bool,
    offers: Vec<Range<usize>>,
    /// The values of `Origin`, as far as lines have arrived.
    origins: Vec<HeaderValue>,
}

impl Head {
    /// Consumes the bytes that arrived, and leaves those after the end of the head.
    pub(crate) fn take(&mut self, bytes: &mut &[u8]) -> Result<(), Flaw> {
        let arrived = bytes.len();
        while !self.complete && !bytes.is_empty() {
            let before = bytes.len();
            let line = self.line.take(bytes)?;
            self.length += before - bytes.len();
            if self.length > MAX_HEAD {
                return Err(Flaw::TooLong);
            }
            let Some(line) = line else { break };
            // Empty lines may come before a request (RFC 9112 §2.2); the first one after it ends
            // it.
            self.complete = self.begun && line.is_empty();
            self.fields += usize::from(self.begun);
            self.begun |= !line.is_empty();
            if self.fields > MAX_FIELDS && !self.complete {
                return Err(Flaw::TooLong);
            }
            self.chunked |= names(&line, b"transfer-encoding");
            if names(&line, b"origin") {
                let value = line.get(b"origin:".len()..).unwrap_or_default().trim_ascii();
                self.origins.extend(HeaderValue::from_bytes(value));
            }
            if let Cow::Borrowed(line) = line
                && names(line, b"connection")
                && let Some(at) = upgrade_in(line)
            {
                let start = arrived - before + at;
                self.offers.push(start..start + UPGRADE.len());
            }
        }
        Ok(())
    }

    /// The origin of the page that sends it, if it names one.
    pub(crate) fn into_origin(mut self) -> Option<HeaderValue> {
        self.origins.pop().filter(|_| self.origins.is_empty())
    }

    /// Where the bytes that were taken last offer to upgrade the connection, so that they can be made
    /// to offer nothing (RFC 9110 §7.8: a server may ignore the offer). actix answers an offer with
    /// `connection: upgrade`, and closes the connection unannounced: Java's default client, which
    /// offers HTTP/2 with every request, loses the next one. An offer that arrives in two pieces stays.
    pub(crate) fn take_offers(&mut self) -> Vec<Range<usize>> {
        std::mem::take(&mut self.offers)
    }

    /// Whether its body comes in chunks, if actix accepts the request.
    pub(crate) fn is_chunked(&self) -> bool {
        self.chunked
    }
}

const UPGRADE: &[u8] = b"upgrade";

/// Where the option `upgrade` stands in a `Connection` header.
fn upgrade_in(line: &[u8]) -> Option<usize> {
    let is_end =
        |byte: Option<&u8>| byte.is_none_or(|byte| matches!(byte, b',' | b':' | b' ' | b'\t'));
    line.windows(UPGRADE.len()).enumerate().position(|(at, option)| {
        option.eq_ignore_ascii_case(UPGRADE)
            && is_end(at.checked_sub(1).and_then(|before| line.get(before)))
            && is_end(line.get(at + UPGRADE.len()))
    })
}

/// Whether this is the header of that name.
fn names(line: &[u8], name: &[u8]) -> bool {
    line.split_at_checked(name.len()).is_some_and(|(start, rest)| {
        start.eq_ignore_ascii_case(name) && rest.first() == Some(&b':')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    /// Feeds the bytes in pieces of this size, and returns the head and how many bytes lay beyond
    /// it.
    fn take(bytes: &[u8], size: usize) -> Result<(Head, usize), Flaw> {
        let (mut head, mut beyond) = (Head::default(), 0);
        for mut piece in bytes.chunks(size) {
            head.take(&mut piece)?;
            beyond += piece.len();
        }
        Ok((head, beyond))
    }

    #[test]
    fn a_head_ends_with_its_first_empty_line() {
        let complete = |bytes: &[u8], size| take(bytes, size).unwrap().0.complete;
        for size in 1..=HEAD.len() {
            assert!(complete(HEAD, size), "{size}");
            assert!(complete(&[b"\r\n\r\n", HEAD].concat(), size), "{size}");
            assert!(!complete(HEAD.split_last().unwrap().1, size), "{size}");
            assert!(!complete(b"\r\n\r\n", size), "{size}");
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
                assert_eq!(take(bytes, size).unwrap_err(), Flaw::Ambiguous, "{size}");
            }
        }
    }

    #[test]
    fn what_follows_a_head_is_left() {
        for size in 1..=HEAD.len() {
            assert_eq!(take(&[HEAD, b"a\nb"].concat(), size).unwrap().1, 3);
        }
    }

    #[test]
    fn a_head_has_an_end() {
        let longest = [b"GET /".as_slice(), &vec![b'x'; MAX_HEAD - 5]].concat();
        assert!(take(&longest, 1000).is_ok());
        let longer = [longest.as_slice(), b"x"].concat();
        assert_eq!(take(&longer, 1000).unwrap_err(), Flaw::TooLong);
        let fields = |count| [b"GET / HTTP/1.1\r\n", "X: y\r\n".repeat(count).as_bytes()].concat();
        assert!(take(&[&fields(MAX_FIELDS)[..], b"\r\n"].concat(), 1000).unwrap().0.complete);
        assert_eq!(take(&fields(MAX_FIELDS + 1), 1000).unwrap_err(), Flaw::TooLong);
    }

    #[test]
    fn j09_an_offer_to_upgrade_is_found() {
        for (line, offered) in [
            ("Connection: Upgrade, HTTP2-Settings", Some("Upgrade")),
            ("connection:upgrade", Some("upgrade")),
            ("Connection: keep-alive,UPGRADE", Some("UPGRADE")),
            ("Connection: not-upgrade, upgrades", None),
            ("X-Connection: upgrade", None),
            ("Upgrade: h2c", None),
        ] {
            let bytes = format!("GET / HTTP/1.1\r\n{line}\r\n\r\nConnection: upgrade\r\n");
            let mut head = Head::default();
            head.take(&mut bytes.as_bytes()).unwrap();
            let offers: Vec<_> = head.take_offers().into_iter().map(|at| &bytes[at]).collect();
            assert_eq!(offers, Vec::from_iter(offered), "{line}");
            assert!(head.take_offers().is_empty());
        }
    }

    #[test]
    fn chunks_are_announced_in_any_case() {
        for (line, is_chunked) in [
            ("Transfer-Encoding: chunked", true),
            ("TRANSFER-ENCODING:chunked", true),
            ("Transfer-Encodings: chunked", false),
            ("X: Transfer-Encoding: chunked", false),
        ] {
            let head = format!("POST / HTTP/1.1\r\n{line}\r\n\r\n");
            assert_eq!(take(head.as_bytes(), 7).unwrap().0.is_chunked(), is_chunked, "{line}");
        }
    }
}
