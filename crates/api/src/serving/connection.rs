//! One connection, from its first byte to its last word.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use actix_http::Request;
use actix_http::error::DispatchError;
use actix_server::GracefulShutdownSignal;
use actix_service::Service;
use actix_web::body::{BoxBody, MessageBody as _};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{CONTENT_LENGTH, Date};
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::line::{Ended, Line, Refusal, Stream};
use super::patience::Patient;
use super::{HTTP2, http2};
use menjin_web::{ApiError, ErrorKind};

use crate::http::answer::answer_unread;
use crate::http::server::READ_TIMEOUT;
use crate::state::Api;

/// How long the last words may take, and then what the client was still sending.
const CLOSING: Duration = Duration::from_secs(1);
/// How much of that is read.
const LEFTOVERS: usize = 256 * 1024;

/// What all connections of a worker have in common.
pub(super) struct Server<A, H> {
    pub(super) app: Rc<A>,
    /// actix's own.
    pub(super) http1: H,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) api: Data<Api>,
    pub(super) stopping: GracefulShutdownSignal,
}

impl<A, H> Server<A, H>
where
    A: Service<Request, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
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
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(HTTP2) => {
                http2::serve(Patient::new(stream), &self.app, peer, &self.stopping).await;
            }
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
    if let Err(error) = http1.call((line.clone(), peer)).await {
        tracing::debug!(%error, ?peer, "a connection broke off");
    }
    let Some(Ended { mut stream, refusal }) = line.into_ended() else { return };
    match refusal {
        Some(refusal) => {
            let response = answer_unread(&crate::v1::DIALECT, &error(refusal), peer, is_tls, api);
            say_last(&mut *stream, response).await;
        }
        None => drop(timeout(CLOSING, stream.shutdown()).await),
    }
}

fn error(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Malformed => ErrorKind::BadRequest.into(),
        Refusal::TooLong => ErrorKind::HeadTooLarge.into(),
        Refusal::TooSlow => ErrorKind::RequestTimeout.into(),
        Refusal::Fault => ErrorKind::Internal.into(),
    }
}

/// Sends an answer that no request has asked for, and closes.
async fn say_last(stream: &mut dyn Stream, response: HttpResponse) {
    let Some(answer) = on_the_wire(response) else { return };
    let say = async {
        stream.write_all(&answer).await?;
        stream.shutdown().await
    };
    if let Ok(Ok(())) = timeout(CLOSING, say).await {
        drop(timeout(CLOSING, read_leftovers(stream)).await);
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
