//! One connection, from the TLS handshake to its close.

use std::net::SocketAddr;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_server::GracefulShutdownSignal;
use actix_service::Service;
use actix_web::HttpResponse;
use actix_web::body::MessageBody as _;
use actix_web::http::header::{CONTENT_LENGTH, Date, HeaderValue};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutWriter;
use tokio_rustls::TlsAcceptor;

use crate::connection_state::Peer;
use crate::guarded_stream::{Ended, GuardedStream, Refusal, Stream};
use crate::limits::{READ_TIMEOUT, WRITE_TIMEOUT};

/// How long the last answer may take, and then how long the rest of the request is read.
const CLOSING: Duration = Duration::from_secs(1);
/// How many bytes of that rest are read.
const MAX_LEFTOVERS: usize = 256 * 1024;

/// What all connections of a worker have in common.
pub(crate) struct Connections<H, R> {
    /// actix's service.
    pub(crate) http1: H,
    pub(crate) tls: Option<TlsAcceptor>,
    /// Renders the answer to a refusal.
    pub(crate) refuse: R,
    pub(crate) stopping: GracefulShutdownSignal,
}

impl<H, R> Connections<H, R>
where
    H: Service<(GuardedStream, Option<SocketAddr>), Response = (), Error = DispatchError>,
    R: Fn(Refusal, Peer, Option<&HeaderValue>) -> HttpResponse,
{
    /// Serves a connection until it ends.
    pub(crate) async fn serve(&self, stream: TcpStream) {
        let address = stream.peer_addr().ok();
        // An answer is a single write, so waiting for more data is useless.
        drop(stream.set_nodelay(true));
        let Some(tls) = &self.tls else {
            return self.serve_http1(stream, Peer { address, is_tls: false }).await;
        };
        let accepted = tokio::select! {
            accepted = timeout(READ_TIMEOUT, tls.accept(stream)) => accepted,
            () = self.stopping.notified() => return,
        };
        match accepted {
            Ok(Ok(stream)) => self.serve_http1(stream, Peer { address, is_tls: true }).await,
            Ok(Err(error)) => tracing::debug!(%error, ?address, "no TLS"),
            Err(_elapsed) => tracing::debug!(?address, "no TLS in time"),
        }
    }

    async fn serve_http1(&self, stream: impl Stream + 'static, peer: Peer) {
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(WRITE_TIMEOUT));
        let guarded = GuardedStream::new(Box::pin(stream), peer);
        let served = self.http1.call((guarded.clone(), peer.address)).await;
        if let Err(error) = &served {
            tracing::debug!(%error, ?peer, "a connection broke off");
        }
        let Some(Ended { mut stream, refusal, origin }) = guarded.into_ended() else { return };
        // actix may refuse the first part of a request and the guard the next part. Only one answer
        // is sent.
        let actix_refused = matches!(served, Err(DispatchError::Parse(_)));
        let refusal = refusal.filter(|_| !actix_refused);
        let answer =
            refusal.and_then(|refusal| encode((self.refuse)(refusal, peer, origin.as_ref())));
        let close = async {
            stream.write_all(&answer.unwrap_or_default()).await?;
            stream.shutdown().await
        };
        if let Ok(Ok(())) = timeout(CLOSING, close).await
            && (actix_refused || refusal.is_some())
        {
            drop(timeout(CLOSING, read_leftovers(stream)).await);
        }
    }
}

/// Reads what the client has sent meanwhile. If unread bytes remain at the close, the connection is
/// reset and the answer may be lost.
async fn read_leftovers(mut stream: impl AsyncRead + Unpin) {
    let mut buffer = [0; 4096];
    let mut left = MAX_LEFTOVERS;
    while let Ok(read @ 1..) = stream.read(&mut buffer).await
        && read < left
    {
        left -= read;
    }
}

/// An answer as HTTP/1.1, the last on its connection.
fn encode(response: HttpResponse) -> Option<Vec<u8>> {
    let (head, body) = response.into_parts();
    let body = body.try_into_bytes().ok()?;
    let status = head.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut encoded = format!(
        "HTTP/1.1 {} {reason}\r\n{CONTENT_LENGTH}: {}\r\nconnection: close\r\ndate: {}\r\n",
        status.as_u16(),
        body.len(),
        Date::now(),
    )
    .into_bytes();
    for (name, value) in head.headers() {
        encoded.extend_from_slice(name.as_str().as_bytes());
        encoded.extend_from_slice(b": ");
        encoded.extend_from_slice(value.as_bytes());
        encoded.extend_from_slice(b"\r\n");
    }
    encoded.extend_from_slice(b"\r\n");
    encoded.extend_from_slice(&body);
    Some(encoded)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn h2_who_takes_nothing_of_an_answer_is_cut_off() {
        let (stream, mut client) = tokio::io::duplex(16);
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(WRITE_TIMEOUT));
        let mut stream = Box::pin(stream);
        let writing = async move {
            let started = tokio::time::Instant::now();
            let error = stream.write_all(&[b'x'; 20]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            started.elapsed()
        };
        let reading = async {
            // Each byte that the client reads restarts its time.
            tokio::time::sleep(WRITE_TIMEOUT / 2).await;
            client.read_u8().await.unwrap();
        };
        let (took, ()) = tokio::join!(writing, reading);
        assert!(took >= WRITE_TIMEOUT * 3 / 2 && took < WRITE_TIMEOUT * 2, "{took:?}");
    }
}
