//! How long a client may take nothing of what it has asked for.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::http::server::WRITE_TIMEOUT;

/// A stream whose writing fails once nothing was taken for too long.
pub(super) struct Patient<T> {
    stream: T,
    due: Option<Instant>,
    timer: Timer,
}

/// Made when it is first needed: most connections need none.
#[derive(Default)]
pub(super) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Whether it is later than this; if not, wakes the task when it is.
    pub(super) fn is_past(&mut self, due: Instant, cx: &mut Context<'_>) -> bool {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if sleep.deadline() != due {
            sleep.as_mut().reset(due);
        }
        sleep.as_mut().poll(cx).is_ready()
    }
}

impl<T> Patient<T> {
    pub(super) fn new(stream: T) -> Self {
        Self { stream, due: None, timer: Timer::default() }
    }

    fn unless_stalled<R>(
        &mut self,
        cx: &mut Context<'_>,
        progress: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if progress.is_ready() {
            self.due = None;
            return progress;
        }
        let due = *self.due.get_or_insert_with(|| Instant::now() + WRITE_TIMEOUT);
        if self.timer.is_past(due, cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Patient<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Patient<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.unless_stalled(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.unless_stalled(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.unless_stalled(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.unless_stalled(cx, shut)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn h2_who_takes_nothing_of_an_answer_is_cut_off() {
        let (stream, mut client) = tokio::io::duplex(16);
        let mut stream = Patient::new(stream);
        let writing = async move {
            let started = Instant::now();
            let error = stream.write_all(&[b'x'; 20]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            started.elapsed()
        };
        let reading = async {
            // One byte shows good will, and gives it its time once more.
            tokio::time::sleep(WRITE_TIMEOUT / 2).await;
            client.read_u8().await.unwrap();
        };
        let (took, ()) = tokio::join!(writing, reading);
        assert!(took >= WRITE_TIMEOUT * 3 / 2 && took < WRITE_TIMEOUT * 2, "{took:?}");
    }
}
