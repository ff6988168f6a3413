//! The two directions of an HTTP/1 connection, between the socket and actix.
//!
//! Heads and chunks are checked here before actix reads them, and each head has a time limit: actix
//! limits only the first head of a connection. This is not a second parser: the checks only look
//! for bytes that two parsers could read differently. actix answers what it cannot parse with an
//! empty 400.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::http::header::HeaderValue;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::chunks::Chunks;
use crate::connection_state::{ConnectionState, Peer};
use crate::head::Head;
use crate::limits::READ_TIMEOUT;
use crate::lines::Flaw;

/// What a connection runs over.
pub(crate) trait Stream: AsyncRead + AsyncWrite {}

impl<T: AsyncRead + AsyncWrite> Stream for T {}

/// Why a connection ends before its next bytes have become a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The request could be read in two ways: 400.
    Ambiguous,
    /// Its head is too long, or has too many fields: 431.
    HeadTooLarge,
    /// Its head takes too long: 408.
    RequestTimeout,
}

/// How a connection ended.
pub(crate) struct Ended {
    pub(crate) stream: Pin<Box<dyn Stream>>,
    pub(crate) refusal: Option<Refusal>,
    /// The origin of the page that sent the last head, as far as it arrived.
    pub(crate) origin: Option<HeaderValue>,
}

/// A connection, as actix sees it; a clone is the same one.
#[derive(Clone)]
pub(crate) struct GuardedStream(Rc<RefCell<Inner>>);

struct Inner {
    stream: Pin<Box<dyn Stream>>,
    state: ConnectionState,
    /// What has arrived of the latest request. `None` if it is unknown where the request began: a
    /// client may send it together with the end of the previous one. Such a request is not checked,
    /// since no proxy sends requests in this way.
    arrived: Option<Arrived>,
    /// How many requests had begun when this head did.
    begun_before: u64,
    /// When the head has to be complete.
    head_due: Instant,
    /// Created at the first use, since most connections need none.
    head_timer: Option<Pin<Box<Sleep>>>,
    /// Whether nothing has arrived yet.
    is_silent: bool,
    /// Whether reading has stopped.
    is_over: bool,
    refusal: Option<Refusal>,
}

/// What has arrived of a request.
#[derive(Default)]
struct Arrived {
    head: Head,
    chunks: Chunks,
    /// Bytes that came after its head, and after its chunks if it has any.
    beyond: u64,
}

impl Arrived {
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), Flaw> {
        self.head.take(&mut bytes)?;
        if self.head.is_chunked() {
            self.chunks.take(&mut bytes)?;
        }
        self.beyond += bytes.len() as u64;
        Ok(())
    }

    /// Whether exactly one request has arrived, whose body is of this length.
    fn is_one_request(&self, length: Option<u64>) -> bool {
        if self.head.is_chunked() {
            return self.chunks.is_complete() && self.beyond == 0;
        }
        self.beyond == length.unwrap_or(0)
    }
}

impl GuardedStream {
    pub(crate) fn new(stream: Pin<Box<dyn Stream>>, peer: Peer) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            stream,
            state: ConnectionState::new(peer),
            arrived: Some(Arrived::default()),
            begun_before: 0,
            head_due: Instant::now() + READ_TIMEOUT,
            head_timer: None,
            is_silent: true,
            is_over: false,
            refusal: None,
        })))
    }

    /// The state that requests find in the data of their connection.
    pub(crate) fn state(&self) -> ConnectionState {
        self.0.borrow().state.clone()
    }

    /// The connection, once actix has dropped its clones.
    pub(crate) fn into_ended(self) -> Option<Ended> {
        let inner = Rc::into_inner(self.0)?.into_inner();
        let origin = inner.arrived.and_then(|arrived| arrived.head.into_origin());
        Some(Ended { stream: inner.stream, refusal: inner.refusal, origin })
    }
}

impl Inner {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if self.is_over {
            return Poll::Ready(Ok(()));
        }
        if self.stream.as_mut().poll_read(cx, buf)?.is_pending() {
            ready!(self.poll_head_timeout(cx));
            self.is_over = true;
            return Poll::Ready(Ok(()));
        }
        let arrived = buf.filled().get(before..).unwrap_or_default();
        if let Err(flaw) = self.check(arrived) {
            // For actix this is the end of the connection. If a handler is already working on the
            // request, it fails because the rest of the body is missing, and that error is the
            // answer.
            self.is_over = true;
            buf.set_filled(before);
            self.refusal = self.state.awaits_a_request().then_some(match flaw {
                Flaw::Ambiguous => Refusal::Ambiguous,
                Flaw::TooLong => Refusal::HeadTooLarge,
            });
        }
        let offers = self.arrived.as_mut().map(|arrived| arrived.head.take_offers());
        for offer in offers.into_iter().flatten() {
            let arrived = buf.filled_mut().get_mut(before..).unwrap_or_default();
            arrived.get_mut(offer).unwrap_or_default().fill(b' ');
        }
        Poll::Ready(Ok(()))
    }

    /// Ready once a head has taken too long.
    fn poll_head_timeout(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.state.begun() != self.begun_before || !self.state.awaits_a_request() {
            return Poll::Pending;
        }
        let due = self.head_due;
        let timer = self.head_timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        ready!(timer.as_mut().poll(cx));
        // A client that has sent nothing expects no answer: browsers connect before they need to.
        if !self.is_silent {
            self.refusal = Some(Refusal::RequestTimeout);
        }
        Poll::Ready(())
    }

    fn check(&mut self, arrived: &[u8]) -> Result<(), Flaw> {
        if self.state.awaits_a_request() && self.state.begun() != self.begun_before {
            self.arrived = self.is_between_requests().then(Arrived::default);
            self.begun_before = self.state.begun();
            self.head_due = Instant::now() + READ_TIMEOUT;
        }
        self.is_silent = false;
        self.arrived.as_mut().map_or(Ok(()), |request| request.take(arrived))
    }

    /// Whether all requests are answered and no byte of the next one has arrived.
    fn is_between_requests(&self) -> bool {
        let is_next = self.state.begun() == self.begun_before + 1;
        let length = self.state.length();
        is_next && self.arrived.as_ref().is_some_and(|arrived| arrived.is_one_request(length))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.stream.as_mut().poll_flush(cx))?;
        Poll::Ready(if self.state.is_aborted() {
            Err(io::ErrorKind::ConnectionAborted.into())
        } else {
            Ok(())
        })
    }
}

impl AsyncRead for GuardedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_read(cx, buf)
    }
}

impl AsyncWrite for GuardedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().stream.as_mut().poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_flush(cx)
    }

    /// Does nothing: `connection.rs` shuts the connection down, after a refusal if there is one.
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
        let peer = Peer { address: None, is_tls: false };
        let mut guarded = GuardedStream::new(Box::pin(stream), peer);
        let started = Instant::now();
        client.write_all(b"GET / HT").await.unwrap();
        let mut read = Vec::new();
        guarded.read_to_end(&mut read).await.unwrap();
        assert_eq!((read.as_slice(), started.elapsed()), (&b"GET / HT"[..], READ_TIMEOUT));
        assert_eq!(guarded.into_ended().unwrap().refusal, Some(Refusal::RequestTimeout));
    }
}
