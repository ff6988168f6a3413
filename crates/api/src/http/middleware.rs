//! The one middleware, through which every answer leaves.
//!
//! It gives the request its id, its language and its deadline, turns failures and panics into the
//! shape of the dialect, sets the headers that every answer has, and writes the line in the log. The
//! parts that need no dialect are those of `menjin-http`.

use std::cell::RefCell;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CONTENT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderValue, STRICT_TRANSPORT_SECURITY, VARY,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use futures_util::FutureExt as _;
use menjin_domain::common::{Causes, PortError, RequestId};
use menjin_http::cors::CorsDecision;
use menjin_http::{
    InFlight, Peer, Refusal, deadline, metrics, request_guard, request_id, security_headers,
};
use menjin_web::{ApiError, ErrorKind};
use tracing::Instrument as _;

use super::locale::negotiate;
use super::reply::Rejection;
use crate::dialect::{Dialect, ReplyContext};
use crate::state::Api;

/// Answers a request, in the dialect of its path.
///
/// # Errors
/// Only after a panic, or when the deadline has passed. The error carries the answer, since the
/// request that a response would need is gone, or still at work.
pub(crate) async fn handle(
    dialect_of: fn(&str) -> &'static Dialect,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let in_flight = InFlight::begin(&mut request).await;
    let started = Instant::now();
    let context = context_of(&request, &in_flight, dialect_of(request.path()));
    let (method, path) = (request.method().clone(), request.path().to_owned());
    // So no route is written twice; the server leaves the body of the answer out.
    if method == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    request.extensions_mut().insert(context.clone());
    let span = tracing::info_span!("request", id = %context.request_id);
    let api = request.app_data::<Data<Api>>().cloned();
    let cors = api.as_ref().and_then(|api| api.settings.cors.decide(&request));
    let outcome = if request_guard::is_ambiguous(request.headers()) {
        let refused = request.into_response(render(&ErrorKind::BadRequest.into(), &context));
        Some(Ok(Ok(refused.map_into_left_body())))
    } else {
        let call =
            async move { next.call(request).await.map(ServiceResponse::map_into_right_body) };
        let call = AssertUnwindSafe(call).catch_unwind().instrument(span.clone());
        deadline::within(call).await
    };
    let _entered = span.enter();
    let mut result = match outcome {
        Some(Ok(Ok(response))) => Ok(finish(response, &context, cors.as_ref())),
        Some(Ok(Err(error))) => Err(Answered::from(render_error(&error, &context))),
        Some(Err(_panic)) => {
            tracing::error!(event = "panic", %method, path = %EscapedPath(&path), "a handler panicked");
            Err(Answered::from(render(&ErrorKind::Internal.into(), &context)))
        }
        None => {
            let late = PortError::unavailable("a back end", "the answers took too long in all");
            Err(Answered::from(render(&late.into(), &context)))
        }
    };
    let head = match &mut result {
        Ok(response) => Some(response.response_mut().head_mut()),
        Err(answered) => answered.response.get_mut().as_mut().map(HttpResponse::head_mut),
    };
    if let Some(head) = head {
        set_headers(head.headers_mut(), &context);
        if let Some(cors) = &cors {
            cors.set_headers(head.headers_mut());
        }
        in_flight.settle(head);
    }
    let result = result.map(|answer| answer.map_body(|_head, body| in_flight.until_sent(body)));
    let took = started.elapsed();
    let counts = api.is_some_and(|api| api.settings.metrics);
    record(&method, &path, context.client, &result, took, counts);
    result.map_err(Error::from)
}

/// Counts the request, if requests are counted, and writes its line in the log.
fn record(
    method: &Method,
    path: &str,
    client: IpAddr,
    result: &Result<ServiceResponse<BoxBody>, Answered>,
    took: Duration,
    counts: bool,
) {
    let status = match result {
        Ok(response) => response.status(),
        Err(answered) => answered.status,
    };
    if counts {
        let route = result.as_ref().ok().and_then(|response| response.request().match_pattern());
        metrics::count(method, route, status, took);
    }
    tracing::info!(
        event = "request",
        %method,
        path = %EscapedPath(path),
        status = status.as_u16(),
        took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        // For people on a terminal; lines in JSON leave it out.
        text.client = %client,
    );
}

/// The answer to a request whose handler panicked or is late, or that actix gave up on. It travels as
/// an error, since the request that a response would need is gone.
#[derive(Debug, thiserror::Error)]
#[error("answered with {status}")]
struct Answered {
    status: StatusCode,
    /// In a cell, since actix takes it out through a shared reference.
    response: RefCell<Option<HttpResponse>>,
}

impl From<HttpResponse> for Answered {
    fn from(response: HttpResponse) -> Self {
        Self { status: response.status(), response: RefCell::new(Some(response)) }
    }
}

impl ResponseError for Answered {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.response.take().unwrap_or_else(|| HttpResponse::new(self.status))
    }
}

/// A path as logs show it, with everything escaped that could pass for something else. Most paths have
/// nothing to escape: then they are written whole, since escaping character by character takes longer
/// than the rest of the line.
struct EscapedPath<'a>(&'a str);

impl fmt::Display for EscapedPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'\\' | b'"' | b'\'');
        if self.0.bytes().fold(true, |all, byte| all & plain(byte)) {
            f.write_str(self.0)
        } else {
            write!(f, "{}", self.0.escape_debug())
        }
    }
}

/// The answer to what was refused before it was a request: neither its path nor its language is
/// known, so the caller says in which dialect.
pub(crate) fn refuse(
    refusal: Refusal,
    peer: Peer,
    origin: Option<&HeaderValue>,
    api: &Api,
    dialect: &'static Dialect,
) -> HttpResponse {
    let kind = kind_of(refusal);
    let context = ReplyContext {
        dialect,
        locale: api.settings.locale,
        client: peer.address.map_or(LOCALHOST, |address| address.ip()),
        is_form: false,
        page: None,
        request_id: api.random.uuid().unwrap_or_default().into(),
        strict_transport: api.strict_transport.clone().filter(|_| peer.is_tls),
    };
    let _entered = tracing::info_span!("request", id = %context.request_id).entered();
    let mut response = render(&kind.into(), &context);
    set_headers(response.headers_mut(), &context);
    if let Some(cors) = api.settings.cors.decide_unread(origin) {
        cors.set_headers(response.headers_mut());
    }
    if api.settings.metrics {
        metrics::count_unread(response.status());
    }
    let status = response.status().as_u16();
    let peer = peer.address.map(|address| address.ip().to_canonical().to_string());
    tracing::info!(event = "refused", status, peer, "{}", kind.meaning());
    response
}

/// Which error a refusal is.
pub(crate) fn kind_of(refusal: Refusal) -> ErrorKind {
    match refusal {
        Refusal::Ambiguous => ErrorKind::BadRequest,
        Refusal::HeadTooLarge => ErrorKind::HeadTooLarge,
        Refusal::RequestTimeout => ErrorKind::RequestTimeout,
    }
}

fn context_of(
    request: &ServiceRequest,
    in_flight: &InFlight,
    dialect: &'static Dialect,
) -> ReplyContext {
    let api = request.app_data::<Data<Api>>();
    let default = api.map(|api| api.settings.locale).unwrap_or_default();
    let request_id = request_id::sent(request.headers())
        .and_then(|id| RequestId::parse(id).ok())
        .unwrap_or_else(|| api.and_then(|api| api.random.uuid().ok()).unwrap_or_default().into());
    let by_tls = api.filter(|api| in_flight.is_tls() || came_by_tls_to_proxy(request, api));
    ReplyContext {
        dialect,
        locale: negotiate(request, default),
        request_id,
        client: client_address(request, api),
        is_form: is_form(request),
        page: api.and_then(|api| (dialect.page)(request.uri(), &api.settings)),
        strict_transport: by_tls.and_then(|api| api.strict_transport.clone()),
    }
}

fn is_form(request: &ServiceRequest) -> bool {
    let sent = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let start = sent.and_then(|sent| sent.get(..FORM.len()));
    start.is_some_and(|start| start.eq_ignore_ascii_case(FORM))
}

const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// The address of the client. Without a peer there is no TCP: a test, or a Unix socket.
fn client_address(request: &ServiceRequest, api: Option<&Data<Api>>) -> IpAddr {
    let peer = request.peer_addr().map_or(LOCALHOST, |peer| peer.ip());
    api.map_or(peer, |api| api.settings.trusted_proxies.client_address(peer, request.headers()))
}

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Whether a trusted proxy says that the client came to it by TLS.
fn came_by_tls_to_proxy(request: &ServiceRequest, api: &Api) -> bool {
    let proxies = &api.settings.trusted_proxies;
    let peer = request.peer_addr();
    peer.is_some_and(|peer| proxies.vouch_for_tls(peer.ip(), request.headers()))
}

/// Sets the headers that every answer has.
fn set_headers(headers: &mut HeaderMap, context: &ReplyContext) {
    if let Ok(id) = HeaderValue::from_str(context.request_id.as_str()) {
        headers.insert(request_id::X_REQUEST_ID, id);
    }
    security_headers::set(headers);
    if let Some(value) = &context.strict_transport {
        headers.insert(STRICT_TRANSPORT_SECURITY, value.clone());
    }
    // A page is in the language of whoever looks at it, which may be another than their browser's.
    if !headers.contains_key(CONTENT_LANGUAGE) {
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(context.locale.tag()));
    }
    headers.append(VARY, HeaderValue::from_static("Accept-Language"));
}

fn finish(
    response: ServiceResponse<impl MessageBody + 'static>,
    context: &ReplyContext,
    cors: Option<&CorsDecision<'_>>,
) -> ServiceResponse<BoxBody> {
    let rendered = response.response().error().map(|error| {
        let rejection = error.as_error::<Rejection>().map(|rejection| &rejection.0);
        let preflight = rejection.zip(cors).and_then(|(error, cors)| match error.kind {
            ErrorKind::MethodNotAllowed => cors.preflight_response(&error.allow),
            ErrorKind::RouteNotFound => cors.preflight_response_of_unknown_path(),
            _ => None,
        });
        preflight.unwrap_or_else(|| render_error(error, context))
    });
    match rendered {
        Some(rendered) => response.into_response(rendered),
        None => response.map_into_boxed_body(),
    }
}

/// Renders an error of a handler's, an extractor's or actix's own.
fn render_error(error: &Error, context: &ReplyContext) -> HttpResponse {
    if let Some(Rejection(error)) = error.as_error::<Rejection>() {
        return render(error, context);
    }
    let status = error.as_response_error().status_code();
    tracing::debug!(%error, %status, "refused by the framework");
    match status {
        StatusCode::NOT_FOUND => render(&ErrorKind::RouteNotFound.into(), context),
        StatusCode::PAYLOAD_TOO_LARGE => render(&ErrorKind::TooLarge.into(), context),
        status if status.is_client_error() => render(&ErrorKind::BadRequest.into(), context),
        _ => render(&ErrorKind::Internal.into(), context),
    }
}

fn render(error: &ApiError, context: &ReplyContext) -> HttpResponse {
    if let Some(cause) = &error.cause {
        tracing::error!(error = %Causes(cause), "{error}");
    }
    (context.dialect.render)(error, context)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_path_is_shown_as_its_characters_escaped(path in "[ -~]{0,20}|\\PC{0,8}|.{0,8}") {
            prop_assert_eq!(EscapedPath(&path).to_string(), path.escape_debug().to_string());
        }
    }
}
