//! HTTP/2 (RFC 9113) over TLS.
//!
//! Not by actix, which runs an older release of the same library and leaves its limits where they
//! are: any number of streams, heads of 16 MiB, work for requests that were taken back. Here each has
//! a bound. h2 itself ends connections that send nothing but frames which cost and ask for nothing:
//! heads in endless parts (CONTINUATION), bodies in crumbs.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_http::error::PayloadError;
use actix_http::{Payload, Request};
use actix_server::GracefulShutdownSignal;
use actix_service::Service;
use actix_web::body::{BodySize, BoxBody, MessageBody as _};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{Date, HOST, HeaderName, HeaderValue};
use actix_web::http::{Method, Version};
use actix_web::web::Bytes;
use actix_web::{Error, HttpResponse};
use futures_util::Stream as Chunks;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::head::MAX_HEAD;
use super::line::Stream;
use crate::http::server::{KEEP_ALIVE, READ_TIMEOUT, WRITE_TIMEOUT};

/// Requests that a connection may have under way.
const MAX_STREAMS: u32 = 100;
/// What a client may send of a body before it is read: all that is taken of one.
const STREAM_WINDOW: u32 = 64 * 1024;
/// The same for all bodies of a connection together.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// What is kept of an answer that the client does not take.
const MAX_UNSENT: usize = 64 * 1024;
/// What h2 takes of a head, and tells clients. More than menjin does, which answers in its own words
/// what is between the two (`crate::http::unfit`); h2 answers the rest with a bare 431.
const MAX_HEAD_LIST: usize = 2 * MAX_HEAD;
/// Requests that a client may take back, beside one for each whose answer it has waited for.
const MAX_ABANDONED: usize = 100;
/// Requests that a client may take back before they were even begun with (CVE-2023-44487).
const MAX_ABANDONED_UNSEEN: usize = 20;
/// Requests of a connection that may make no sense (CVE-2025-8671: each is reset by this side).
const MAX_NONSENSE: usize = 100;
/// How long a connection may take to end once it was told to.
const CLOSING: Duration = Duration::from_secs(1);

/// How a request ended.
enum Outcome {
    Answered,
    /// The client did not wait for the answer.
    Abandoned,
}

/// Serves a connection until it ends.
pub(super) async fn serve<A>(
    stream: impl Stream + 'static,
    app: &Rc<A>,
    peer: Option<SocketAddr>,
    stopping: &GracefulShutdownSignal,
) where
    A: Service<Request, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    let Ok(Ok(mut connection)) = timeout(READ_TIMEOUT, handshake(stream)).await else { return };
    let mut streams = JoinSet::new();
    let (mut answered, mut abandoned) = (0, 0);
    let mut ending = false;
    let mut stopping = pin!(stopping.notified());
    // Of a connection on which nothing is under way. The first request has as long as on HTTP/1.
    let mut patience = pin!(sleep(READ_TIMEOUT));
    loop {
        tokio::select! {
            accepted = connection.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    streams.spawn_local(answer(Rc::clone(app), request, respond, peer));
                }
                Some(Err(error)) => {
                    tracing::debug!(%error, ?peer, "a connection broke off");
                    return;
                }
                None => return,
            },
            Some(ended) = streams.join_next() => {
                match ended {
                    Ok(Outcome::Answered) => answered += 1,
                    Ok(Outcome::Abandoned) | Err(_) => abandoned += 1,
                }
                if abandoned > MAX_ABANDONED + answered {
                    tracing::info!(event = "refused", ?peer, "requests are taken back in numbers");
                    connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
                    ending = true;
                }
                let left = if ending { CLOSING } else { KEEP_ALIVE };
                patience.as_mut().reset(Instant::now() + left);
            }
            () = &mut stopping, if !ending => {
                ending = true;
                connection.graceful_shutdown();
                patience.as_mut().reset(Instant::now() + CLOSING);
            }
            () = &mut patience, if streams.is_empty() => {
                if ending {
                    return;
                }
                ending = true;
                connection.graceful_shutdown();
                patience.as_mut().reset(Instant::now() + CLOSING);
            }
        }
    }
}

async fn handshake<S: Stream>(stream: S) -> Result<Connection<S, Bytes>, h2::Error> {
    Builder::new()
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEAD_LIST).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(MAX_ABANDONED_UNSEEN)
        .max_local_error_reset_streams(Some(MAX_NONSENSE))
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(MAX_UNSENT)
        .handshake(stream)
        .await
}

/// Has a request answered, for as long as the client waits for it.
async fn answer<A>(
    app: Rc<A>,
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    peer: Option<SocketAddr>,
) -> Outcome
where
    A: Service<Request, Response = ServiceResponse<BoxBody>, Error = Error>,
{
    let is_head = request.method() == http::Method::HEAD;
    let Some(request) = to_actix(request, peer) else {
        respond.send_reset(Reason::PROTOCOL_ERROR);
        return Outcome::Abandoned;
    };
    let response = tokio::select! {
        response = app.call(request) => response.map_or_else(
            |error| error.error_response(),
            |response| response.into_parts().1,
        ),
        _ = poll_fn(|cx| respond.poll_reset(cx)) => return Outcome::Abandoned,
    };
    match send(response, respond, is_head).await {
        Ok(()) => Outcome::Answered,
        Err(_) => Outcome::Abandoned,
    }
}

/// The request as actix knows them; `None` if it is none.
fn to_actix(request: http::Request<RecvStream>, peer: Option<SocketAddr>) -> Option<Request> {
    let (parts, body) = request.into_parts();
    let payload = if body.is_end_stream() {
        Payload::None
    } else {
        Payload::Stream { payload: Box::pin(Body(body)) as Pin<Box<dyn Chunks<Item = _>>> }
    };
    let mut request = Request::with_payload(payload);
    let head = request.head_mut();
    head.version = Version::HTTP_2;
    head.peer_addr = peer;
    head.method = Method::from_bytes(parts.method.as_str().as_bytes()).ok()?;
    let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    head.uri = path.parse().ok()?;
    for (name, value) in &parts.headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        head.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
    }
    // What HTTP/1 says in a header. One that says otherwise makes two, which are refused.
    if let Some(authority) = parts.uri.authority() {
        let host = HeaderValue::from_str(authority.as_str()).ok()?;
        if head.headers.get(HOST) != Some(&host) {
            head.headers.append(HOST, host);
        }
    }
    Some(request)
}

/// The body of a request.
struct Body(RecvStream);

impl Chunks for Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = ready!(self.0.poll_data(cx));
        Poll::Ready(chunk.map(|chunk| {
            let chunk = chunk.map_err(std::io::Error::other)?;
            // The client may send as much again.
            self.0.flow_control().release_capacity(chunk.len()).map_err(std::io::Error::other)?;
            Ok(chunk)
        }))
    }
}

async fn send(
    response: HttpResponse,
    mut respond: SendResponse<Bytes>,
    is_head: bool,
) -> Result<(), h2::Error> {
    let (response, body) = response.into_parts();
    let size = body.size();
    let Some(head) = to_h2(&response, size) else {
        respond.send_reset(Reason::INTERNAL_ERROR);
        return Ok(());
    };
    let has_no_body = is_head || size.is_eof();
    let mut stream = respond.send_response(head, has_no_body)?;
    if has_no_body {
        return Ok(());
    }
    let mut body = pin!(body);
    while let Some(chunk) = poll_fn(|cx| body.as_mut().poll_next(cx)).await {
        let Ok(mut chunk) = chunk else {
            stream.send_reset(Reason::INTERNAL_ERROR);
            return Ok(());
        };
        while !chunk.is_empty() {
            stream.reserve_capacity(chunk.len());
            let capacity = timeout(WRITE_TIMEOUT, poll_fn(|cx| stream.poll_capacity(cx))).await;
            let Ok(Some(capacity)) = capacity else {
                stream.send_reset(Reason::CANCEL);
                return Ok(());
            };
            let next = chunk.split_to(capacity?.min(chunk.len()));
            // The window may have shrunk to nothing meanwhile.
            if !next.is_empty() {
                stream.send_data(next, false)?;
            }
        }
    }
    stream.send_data(Bytes::new(), true)
}

/// The head of an answer, without what belongs to HTTP/1 alone (RFC 9113 §8.2.2).
fn to_h2(response: &HttpResponse<()>, size: BodySize) -> Option<http::Response<()>> {
    const CONNECTION_SPECIFIC: [&str; 5] =
        ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];
    let mut head = http::Response::builder().status(response.status().as_u16());
    for (name, value) in response.headers() {
        if !CONNECTION_SPECIFIC.contains(&name.as_str()) {
            head = head.header(name.as_str(), value.as_bytes());
        }
    }
    // There is none in 204 and 304 (RFC 9110 §8.6).
    if let BodySize::Sized(length) = size
        && !matches!(response.status().as_u16(), 204 | 304)
    {
        head = head.header(http::header::CONTENT_LENGTH, length);
    }
    head.header(http::header::DATE, Date::now().to_string()).body(()).ok()
}

#[cfg(test)]
mod tests {
    use actix_server::Server;
    use actix_service::fn_service;
    use actix_web::test::TestRequest;
    use tokio::io::DuplexStream;
    use tokio::task::LocalSet;

    use super::*;

    type Client = h2::client::SendRequest<Bytes>;

    /// Has a connection served by a handler that says "hello"; returns how long that took.
    async fn served<F: Future<Output = ()>>(
        window: u32,
        client: impl FnOnce(Client) -> F,
    ) -> Duration {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let app = Rc::new(fn_service(|_: Request| async {
            let request = TestRequest::default().to_http_request();
            Ok::<_, Error>(ServiceResponse::new(request, HttpResponse::Ok().body("hello")))
        }));
        let stopping = Server::build().graceful_shutdown_signal();
        let started = Instant::now();
        let serving = async move {
            serve::<_>(ours, &app, None, &stopping).await;
            started.elapsed()
        };
        let using = async move {
            let mut builder = h2::client::Builder::new();
            builder.initial_window_size(window);
            let (send, connection) = builder.handshake::<DuplexStream, _>(theirs).await.unwrap();
            let connection = tokio::spawn(connection);
            client(send).await;
            drop(connection.await);
        };
        LocalSet::new().run_until(async { tokio::join!(serving, using).0 }).await
    }

    fn get() -> http::Request<()> {
        http::Request::get("https://x/").body(()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn h2_who_asks_for_nothing_has_as_long_as_for_a_head() {
        let took = served(65_535, |send| async move {
            tokio::time::sleep(KEEP_ALIVE).await;
            drop(send);
        })
        .await;
        assert!(took >= READ_TIMEOUT && took <= READ_TIMEOUT + CLOSING, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_not_used_ends() {
        let took = served(65_535, |mut send| async move {
            let answer = send.send_request(get(), true).unwrap().0.await.unwrap();
            assert_eq!(answer.into_body().data().await.unwrap().unwrap(), "hello");
            // Held, and not used.
            poll_fn(|cx| send.poll_ready(cx)).await.unwrap();
            tokio::time::sleep(KEEP_ALIVE * 2).await;
            assert!(poll_fn(|cx| send.poll_ready(cx)).await.is_err());
        })
        .await;
        assert!(took >= KEEP_ALIVE && took <= KEEP_ALIVE + CLOSING, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn h2_an_answer_that_is_not_taken_is_given_up() {
        let started = Instant::now();
        served(0, |mut send| async move {
            let answer = send.send_request(get(), true).unwrap().0.await.unwrap();
            let error = answer.into_body().data().await.unwrap().unwrap_err();
            assert_eq!(error.reason(), Some(Reason::CANCEL));
            assert_eq!(started.elapsed(), WRITE_TIMEOUT);
        })
        .await;
    }
}
