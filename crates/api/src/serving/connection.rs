//! One connection, from its first byte to its last word.

use std::net::SocketAddr;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_server::GracefulShutdownSignal;
use actix_service::Service;
use actix_web::HttpResponse;
use actix_web::body::MessageBody as _;
use actix_web::http::header::{CONTENT_LENGTH, Date};
use actix_web::web::Data;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::line::{Ended, Line, Refusal, Stream};
use super::patience::Patient;
use crate::failure::Failure;
use crate::http::answer::answer_unread;
use crate::http::server::READ_TIMEOUT;
use crate::state::Api;

/// How long the last words may take, and then what the client was still sending.
const CLOSING: Duration = Duration::from_secs(1);
/// How much of that is read.
const LEFTOVERS: usize = 256 * 1024;

/// What all connections of a worker have in common.
pub(super) struct Server<H> {
    /// actix's own.
    pub(super) http1: H,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) api: Data<Api>,
    pub(super) stopping: GracefulShutdownSignal,
}

impl<H> Server<H>
where
    H: Service<(Line, Option<SocketAddr>), Response = (), Error = DispatchError>,
{
    /// Serves a connection until it ends.
    pub(super) async fn serve(&self, stream: TcpStream) {
        let peer = stream.peer_addr().ok();
        // An answer is one write: there is nothing to wait for.
        drop(stream.set_nodelay(true));
        let Some(tls) = &self.tls else {
            return serve_http1(Patient::new(stream), &self.http1, peer, false, &self.api).await;
        };
        let shaken = tokio::select! {
            shaken = timeout(READ_TIMEOUT, tls.accept(stream)) => shaken,
            () = self.stopping.notified() => return,
        };
        match shaken {
            Ok(Ok(stream)) => {
                serve_http1(Patient::new(stream), &self.http1, peer, true, &self.api).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, ?peer, "no TLS"),
            Err(_elapsed) => tracing::debug!(?peer, "no TLS in time"),
        }
    }
}

async fn serve_http1<H>(
    stream: impl Stream + 'static,
    http1: &H,
    peer: Option<SocketAddr>,
    is_tls: bool,
    api: &Api,
) where
    H: Service<(Line, Option<SocketAddr>), Response = (), Error = DispatchError>,
{
    let line = Line::new(Box::new(stream));
    let served = http1.call((line.clone(), peer)).await;
    if let Err(error) = &served {
        tracing::debug!(%error, ?peer, "a connection broke off");
    }
    let Some(Ended { mut stream, refusal }) = line.into_ended() else { return };
    // Two pieces of one request may be refused by both: the first answer stands.
    let refused_by_actix = matches!(served, Err(DispatchError::Parse(_)));
    let refusal = refusal.filter(|_| !refused_by_actix);
    let last_words = refusal
        .and_then(|refusal| on_the_wire(answer_unread(&failure(refusal), peer, is_tls, api)))
        .unwrap_or_default();
    let close = async {
        stream.write_all(&last_words).await?;
        stream.shutdown().await
    };
    if let Ok(Ok(())) = timeout(CLOSING, close).await
        && (refused_by_actix || refusal.is_some())
    {
        drop(timeout(CLOSING, read_leftovers(&mut *stream)).await);
    }
}

fn failure(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Malformed => Failure::BadRequest,
        Refusal::TooLong => Failure::HeadTooLarge,
        Refusal::TooSlow => Failure::RequestTimeout,
    }
}

/// What the client has sent meanwhile: a connection that is closed with something unread is reset,
/// and the answer may be lost with it.
async fn read_leftovers(stream: &mut dyn Stream) {
    let mut buffer = [0; 4096];
    let mut left = LEFTOVERS;
    while let Ok(read @ 1..) = stream.read(&mut buffer).await
        && read < left
    {
        left -= read;
    }
}

/// An answer as HTTP/1.1 with nothing after it.
fn on_the_wire(response: HttpResponse) -> Option<Vec<u8>> {
    let (head, body) = response.into_parts();
    let body = body.try_into_bytes().ok()?;
    let status = head.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut wire = format!(
        "HTTP/1.1 {} {reason}\r\n{CONTENT_LENGTH}: {}\r\nconnection: close\r\ndate: {}\r\n",
        status.as_u16(),
        body.len(),
        Date::now(),
    )
    .into_bytes();
    for (name, value) in head.headers() {
        wire.extend_from_slice(name.as_str().as_bytes());
        wire.extend_from_slice(b": ");
        wire.extend_from_slice(value.as_bytes());
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"\r\n");
    wire.extend_from_slice(&body);
    Some(wire)
}
