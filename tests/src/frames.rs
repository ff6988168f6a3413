//! HTTP/2 by hand, as no proper client would speak it (RFC 9113).

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

/// What a client says first (§3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

// Types of frames, flags and reasons (§6, §7).

/// The head of a request, or its beginning.
pub const HEADERS: u8 = 1;
/// The end of a request, before it ends.
pub const RST_STREAM: u8 = 3;
/// Settings, or that they were understood.
pub const SETTINGS: u8 = 4;
/// The end of a connection.
pub const GOAWAY: u8 = 7;
/// More of a head.
pub const CONTINUATION: u8 = 9;
/// Nothing more comes of a head.
pub const END_HEADERS: u8 = 4;
/// Too much work is asked for.
pub const ENHANCE_YOUR_CALM: u32 = 11;
/// Nothing was done of a request.
pub const REFUSED_STREAM: u32 = 7;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// The request that it is of; 0: the connection.
    pub stream: u32,
    /// What it holds.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A frame.
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    /// The reason of a `RST_STREAM` or `GOAWAY`.
    pub fn reason(&self) -> u32 {
        let payload =
            if self.kind == GOAWAY { self.payload.get(4..) } else { Some(self.payload.as_slice()) };
        u32::from_be_bytes(*payload.and_then(<[u8]>::first_chunk).unwrap())
    }

    fn to_bytes(&self) -> Vec<u8> {
        let [_, a, b, c] = u32::try_from(self.payload.len()).unwrap().to_be_bytes();
        let stream = self.stream.to_be_bytes();
        [&[a, b, c, self.kind, self.flags], &stream[..], &self.payload].concat()
    }
}

/// The head of a `POST` of JSON to this path, without Huffman's code and tables (RFC 7541 §6.2.2).
pub fn post(path: &str) -> Vec<u8> {
    // `:method: POST` and `:scheme: https` stand in the static table, as do the names of the others.
    [&[0x83, 0x87][..], &literal(&[0x04], path), &literal(&[0x0f, 0x10], "application/json")]
        .concat()
}

/// A field whose name stands in the static table.
fn literal(name: &[u8], value: &str) -> Vec<u8> {
    [name, &[u8::try_from(value.len()).unwrap()], value.as_bytes()].concat()
}

/// A connection whose frames are written one by one.
pub struct Frames(TlsStream<TcpStream>);

impl Frames {
    /// Says what a client says first, on a connection for HTTP/2.
    pub async fn begin(stream: TlsStream<TcpStream>) -> Self {
        let mut frames = Self(stream);
        frames.0.write_all(PREFACE).await.unwrap();
        frames.say(&[Frame::new(SETTINGS, 0, 0, [])]).await;
        frames
    }

    /// Sends frames together; false if the other side takes no more.
    pub async fn say(&mut self, frames: &[Frame]) -> bool {
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::to_bytes).collect();
        self.0.write_all(&bytes).await.is_ok() && self.0.flush().await.is_ok()
    }

    /// The next frame of the other side, which has to come in time; `None` once it has closed.
    pub async fn next(&mut self) -> Option<Frame> {
        let next = async {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).await.ok()?;
            let [a, b, c, kind, flags, stream @ ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            self.0.read_exact(&mut payload).await.ok()?;
            Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
        };
        timeout(PATIENCE, next).await.unwrap()
    }

    /// The first frame of this type; `None` if it closes without one.
    pub async fn find(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if frame.kind == kind {
                return Some(frame);
            }
        }
    }
}
