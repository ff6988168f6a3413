//! The cheapest HTTP/1.1 client that will do: one connection, one request at a time, prebuilt bytes. A
//! load generator that works as hard as the server measures itself.

use std::io;
use std::net::SocketAddr;

use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer; borrowed from the connection until its next request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

/// A connection that stays open.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request and reads its answer, which has to have a `Content-Length`.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (status, body, end) = loop {
            if let Some(head) = head(&self.buffer)? {
                break head;
            }
            self.read().await?;
        };
        while self.buffer.len() < end {
            self.read().await?;
        }
        let body = self.buffer.get(body..end).ok_or_else(|| bad("a body that is too short"))?;
        Ok(Answer { status, body })
    }

    async fn read(&mut self) -> io::Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

/// Status, and where the body begins and ends, once the head is there.
fn head(buffer: &[u8]) -> io::Result<Option<(u16, usize, usize)>> {
    const END: &[u8] = b"\r\n\r\n";
    const LENGTH: &[u8] = b"\r\ncontent-length: ";
    let Some(end) = memmem::find(buffer, END) else { return Ok(None) };
    let head = buffer.get(..end + 2).unwrap_or_default();
    let status = digits(head.get(9..).unwrap_or_default());
    let length = memmem::find(head, LENGTH)
        .and_then(|at| head.get(at + LENGTH.len()..))
        .map(digits)
        .ok_or_else(|| bad("an answer without a length"))?;
    let status = u16::try_from(status).map_err(|_large| bad("an odd status"))?;
    let body = end + END.len();
    Ok(Some((status, body, body + length)))
}

/// The number that these bytes begin with.
fn digits(bytes: &[u8]) -> usize {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}

fn bad(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The bytes of a request.
pub(crate) fn request(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    request_of("application/json", method, path, headers, body)
}

/// The same with a body of this media type.
pub(crate) fn request_of(
    media_type: &str,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Vec<u8> {
    let length = if method == "GET" {
        String::new()
    } else {
        format!("Content-Type: {media_type}\r\nContent-Length: {}\r\n", body.len())
    };
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}{length}\r\n{body}").into()
}

/// The header that carries an access token.
pub(crate) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// The text of this field in a flat JSON object, unescaped; tokens need none.
pub(crate) fn field<'a>(body: &'a [u8], name: &str) -> Option<&'a str> {
    let name = format!("\"{name}\":\"");
    let start = memmem::find(body, name.as_bytes())? + name.len();
    let rest = body.get(start..)?;
    str::from_utf8(rest.get(..memchr::memchr(b'"', rest)?)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_as_they_come_in() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\nx: y\r\n\r\n{\"a\":\"b\"}...";
        for cut in 0..45 {
            assert_eq!(head(&answer[..cut]).unwrap(), None, "{cut}");
        }
        assert_eq!(head(answer).unwrap(), Some((200, 45, 57)));
        assert!(head(b"HTTP/1.1 204 No Content\r\n\r\n").is_err());
    }

    #[test]
    fn a_field_is_found() {
        let body = br#"{"access_token":"abc","refresh_token":"def"}"#;
        assert_eq!(field(body, "refresh_token"), Some("def"));
        assert_eq!(field(body, "token"), None);
    }
}
