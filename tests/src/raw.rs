//! HTTP/1 by hand, for requests that no proper client sends.

use std::fmt;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// An answer off the wire.
#[derive(Debug)]
pub struct RawAnswer {
    /// The status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl RawAnswer {
    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self}"))
    }
}

impl fmt::Display for RawAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.status, self.headers, self.body)
    }
}

/// What came back over a connection.
#[derive(Debug)]
pub struct Exchange {
    /// Each answer, in order; `100 Continue` is none.
    pub answers: Vec<RawAnswer>,
    /// The bytes after them that are not an answer of HTTP/1.
    pub junk: String,
    /// Whether the other side closed the connection.
    pub closed: bool,
}

/// A connection to a server.
pub struct Conversation {
    stream: TcpStream,
    unread: Vec<u8>,
    closed: bool,
}

impl Conversation {
    /// Connects to what a URL such as `http://127.0.0.1:8000` names. It waits no longer than this
    /// for the other side.
    pub fn with(url: &str, patience: Duration) -> Self {
        let stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(patience)).unwrap();
        stream.set_write_timeout(Some(patience)).unwrap();
        Self { stream, unread: Vec::new(), closed: false }
    }

    /// Sends these bytes; tells whether they were taken.
    pub fn say(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// The next answer; `None` if there is none before the connection is closed, or in time.
    pub fn answer(&mut self) -> Option<RawAnswer> {
        loop {
            match self.take_answer() {
                Some(answer) if answer.status == 100 => {}
                Some(answer) => return Some(answer),
                None if self.read() => {}
                None => return None,
            }
        }
    }

    /// Whether the other side has closed the connection, as far as it was read.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// All that is still to come.
    pub fn rest(mut self) -> Exchange {
        let answers = std::iter::from_fn(|| self.answer()).collect();
        let junk = String::from_utf8_lossy(&self.unread).into_owned();
        Exchange { answers, junk, closed: self.closed }
    }

    /// Reads what has come; false once nothing more does.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.closed = true,
            // A reset after the answer counts as a close.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => self.closed = true,
            Err(_) => {}
            Ok(read) => {
                self.unread.extend_from_slice(buffer.get(..read).unwrap());
                return true;
            }
        }
        false
    }

    fn take_answer(&mut self) -> Option<RawAnswer> {
        let end = self.unread.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(self.unread.get(..end)?);
        let mut lines = head.trim_end().split("\r\n");
        let start = lines.next()?;
        let status = start.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length: usize = length.map_or(0, |(_, length)| length.parse().unwrap());
        let body = String::from_utf8_lossy(self.unread.get(end..end + length)?).into_owned();
        self.unread.drain(..end + length);
        Some(RawAnswer { status, headers, body })
    }
}

/// Sends these bytes and reads until the other side closes the connection, or has been silent for
/// this long.
pub fn exchange(url: &str, request: &[u8], patience: Duration) -> Exchange {
    let mut conversation = Conversation::with(url, patience);
    // The other side may have closed already.
    conversation.say(request);
    conversation.rest()
}
