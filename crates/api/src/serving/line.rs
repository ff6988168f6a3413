//! The two directions of an HTTP/1 connection, between the socket and actix.
//!
//! Heads and chunks are checked here before actix reads them, and each head has its time: actix keeps
//! a time for the first head of a connection only. What actix itself cannot read it answers with an
//! empty 400.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::chunks::Chunks;
use super::head::Head;
use super::lines::Flaw;
use super::link::Link;
use super::patience::Timer;
use crate::http::server::READ_TIMEOUT;

/// What a connection runs over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

/// Why a connection is to end with an answer that no handler made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The head of a request cannot be read.
    Malformed,
    /// It is too long.
    TooLong,
    /// It takes too long.
    TooSlow,
}

/// How a connection ended.
pub(super) struct Ended {
    pub(super) stream: Box<dyn Stream>,
    pub(super) refusal: Option<Refusal>,
}

/// A connection, as actix sees it; a clone is the same one.
#[derive(Clone)]
pub(super) struct Line(Rc<RefCell<Inner>>);

struct Inner {
    stream: Box<dyn Stream>,
    link: Link,
    /// The latest request; `None` if it is not known where it began: a client may send it together
    /// with the end of the one before.
    request: Option<Request>,
    /// How many requests had begun when the head did.
    begun_before: u64,
    /// When the head has to be complete.
    head_due: Instant,
    head_timer: Timer,
    silent: bool,
    /// Nothing more is read.
    over: bool,
    refusal: Option<Refusal>,
}

/// What has arrived of a request.
#[derive(Default)]
struct Request {
    head: Head,
    chunks: Chunks,
    /// Bytes that came after its head, and after its chunks if it has any.
    beyond: u64,
}

impl Request {
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), Flaw> {
        self.head.take(&mut bytes)?;
        if self.head.is_chunked() {
            self.chunks.take(&mut bytes)?;
        }
        self.beyond += bytes.len() as u64;
        Ok(())
    }

    /// Whether no more and no less than this request has arrived, whose body is of this length.
    fn is_all(&self, length: Option<u64>) -> bool {
        if self.head.is_chunked() {
            return self.chunks.is_complete() && self.beyond == 0;
        }
        self.beyond == length.unwrap_or(0)
    }
}

impl Line {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            stream,
            link: Link::default(),
            request: Some(Request::default()),
            begun_before: 0,
            head_due: Instant::now() + READ_TIMEOUT,
            head_timer: Timer::default(),
            silent: true,
            over: false,
            refusal: None,
        })))
    }

    /// What its requests find in their connection's data.
    pub(super) fn link(&self) -> Link {
        self.0.borrow().link.clone()
    }

    /// The connection, once actix has let go of it.
    pub(super) fn into_ended(self) -> Option<Ended> {
        let inner = Rc::into_inner(self.0)?.into_inner();
        Some(Ended { stream: inner.stream, refusal: inner.refusal })
    }
}

impl Inner {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if self.over {
            return Poll::Ready(Ok(()));
        }
        if Pin::new(&mut self.stream).poll_read(cx, buf)?.is_pending() {
            ready!(self.poll_late(cx));
            self.over = true;
            return Poll::Ready(Ok(()));
        }
        let arrived = buf.filled().get(before..).unwrap_or_default();
        if let Err(flaw) = self.look_at(arrived) {
            // To actix the client has gone. If it has begun to work on the request, the rest of the
            // body is missed and that is the answer.
            self.over = true;
            buf.set_filled(before);
            self.refusal = self.link.awaits_a_request().then_some(match flaw {
                Flaw::Ambiguous => Refusal::Malformed,
                Flaw::TooLong => Refusal::TooLong,
            });
        }
        Poll::Ready(Ok(()))
    }

    /// Ready once a head has taken too long.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let begun = self.link.begun();
        if begun != self.begun_before || !self.link.awaits_a_request() {
            return Poll::Pending;
        }
        if !self.head_timer.is_past(self.head_due, cx) {
            return Poll::Pending;
        }
        // Whoever has sent nothing at all is not waiting for an answer either: a browser connects
        // ahead of need.
        if !self.silent {
            self.refusal = Some(Refusal::TooSlow);
        }
        Poll::Ready(())
    }

    fn look_at(&mut self, arrived: &[u8]) -> Result<(), Flaw> {
        if self.link.awaits_a_request() && self.link.begun() != self.begun_before {
            self.request = self.is_between_requests().then(Request::default);
            self.begun_before = self.link.begun();
            self.head_due = Instant::now() + READ_TIMEOUT;
        }
        self.silent = false;
        self.request.as_mut().map_or(Ok(()), |request| request.take(arrived))
    }

    /// Whether, now that all requests known of are answered, nothing of the next has arrived yet.
    fn is_between_requests(&self) -> bool {
        let is_next = self.link.begun() == self.begun_before + 1;
        is_next && self.request.as_ref().is_some_and(|request| request.is_all(self.link.length()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        Poll::Ready(if self.link.is_stopped() {
            Err(io::ErrorKind::ConnectionAborted.into())
        } else {
            Ok(())
        })
    }
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_flush(cx)
    }

    /// Whoever serves the connection shuts it down, after its last words.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn h2_a_head_is_awaited_for_its_time_and_no_longer() {
        let (stream, mut client) = tokio::io::duplex(64);
        let mut line = Line::new(Box::new(stream));
        let started = Instant::now();
        client.write_all(b"GET / HT").await.unwrap();
        let mut read = Vec::new();
        line.read_to_end(&mut read).await.unwrap();
        assert_eq!((read.as_slice(), started.elapsed()), (&b"GET / HT"[..], READ_TIMEOUT));
        assert_eq!(line.into_ended().unwrap().refusal, Some(Refusal::TooSlow));
    }
}
