//! The middleware through which every answer leaves.
//!
//! It gives the request its id, its language and its deadline, turns failures and panics into the
//! dialect's shape, sets the headers that every answer has, and writes the line in the log.

use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use futures_util::FutureExt as _;
use menjin_domain::common::{Causes, PortError, RequestId};
use menjin_web::{ApiError, ErrorKind};
use tracing::Instrument as _;

use super::cors;
use super::figures;
use super::headers::{REQUEST_ID, set_headers};
use super::locale::negotiate;
use super::patience;
use super::reply::Rejection;
use super::unfit::refused;
use super::unread::Hold;
use crate::dialect::{Dialect, ReplyContext};
use crate::serving::IsTls;
use crate::serving::link::Link;
use crate::state::Api;

/// Answers a request, in the dialect of its path.
///
/// # Errors
/// Only after a panic, or when patience has ended, with the answer in the error: the request that it
/// belongs to is gone then, or still at work.
pub(crate) async fn answer(
    dialect_of: fn(&str) -> &'static Dialect,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if request.conn_data::<Link>().is_some_and(Link::takes_no_more) {
        // The connection is closed meanwhile.
        std::future::pending::<()>().await;
    }
    let started = Instant::now();
    let context = context_of(&request, dialect_of(request.path()));
    let (method, path) = (request.method().clone(), request.path().to_owned());
    if method == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    request.extensions_mut().insert(context.clone());
    let span = tracing::info_span!("request", id = %context.request_id);
    let unread = Hold::of(&mut request);
    let api = request.app_data::<Data<Api>>().cloned();
    let cors = api.as_ref().and_then(|api| api.settings.cors.look_at(&request));
    let outcome = if let Some(kind) = refused(&request) {
        let refused = request.into_response(render(&kind.into(), &context));
        Some(Ok(Ok(refused.map_into_left_body())))
    } else {
        let call =
            async move { next.call(request).await.map(ServiceResponse::map_into_right_body) };
        let call = AssertUnwindSafe(call).catch_unwind().instrument(span.clone());
        patience::within(call).await
    };
    let _entered = span.enter();
    let mut result = match outcome {
        Some(Ok(Ok(response))) => Ok(finish(response, &context, cors.as_ref())),
        Some(Ok(Err(error))) => Err(Answered::from(render_error(&error, &context))),
        None => {
            let late = PortError::unavailable("a back end", "the answers took too long in all");
            Err(Answered::from(render(&late.into(), &context)))
        }
        Some(Err(_panic)) => {
            tracing::error!(event = "panic", %method, path = %Shown(&path), "a handler panicked");
            Err(Answered::from(render(&ErrorKind::Internal.into(), &context)))
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
        unread.settle(head);
    }
    let result = result.map(|answer| answer.map_body(|_head, body| unread.until_sent(body)));
    let status = match &result {
        Ok(response) => response.status(),
        Err(answered) => answered.status,
    };
    let took = started.elapsed();
    if api.is_some_and(|api| api.settings.figures) {
        let route = result.as_ref().ok().and_then(|response| response.request().match_pattern());
        figures::count(&method, route, status, took);
    }
    tracing::info!(
        event = "request",
        %method,
        path = %Shown(&path),
        status = status.as_u16(),
        took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    );
    result.map_err(Error::from)
}

/// The answer to a request whose handler panicked or is late, or that actix gave up on. An error
/// carries it, since the request that a response would need is gone.
#[derive(Debug, thiserror::Error)]
#[error("answered with {status}")]
struct Answered {
    status: StatusCode,
    /// Taken out by actix, which has a shared reference only.
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

/// A path as logs show it: nothing in it can pass for anything else. Most have nothing to escape, and
/// looking at each character by itself takes longer than the rest of the line.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'\\' | b'"' | b'\'');
        if self.0.bytes().fold(true, |all, byte| all & plain(byte)) {
            f.write_str(self.0)
        } else {
            write!(f, "{}", self.0.escape_debug())
        }
    }
}

/// The answer to what cannot be read: neither its path nor its language is known.
pub(crate) fn answer_unread(
    dialect: &'static Dialect,
    error: &ApiError,
    peer: Option<SocketAddr>,
    is_tls: bool,
    api: &Api,
) -> HttpResponse {
    let context = ReplyContext {
        dialect,
        locale: api.settings.locale,
        request_id: api.random.uuid().unwrap_or_default().into(),
        strict_transport: api.strict_transport.clone().filter(|_| is_tls),
    };
    let _entered = tracing::info_span!("request", id = %context.request_id).entered();
    let mut response = render(error, &context);
    set_headers(response.headers_mut(), &context);
    let peer = peer.map(|peer| peer.ip().to_canonical().to_string());
    if api.settings.figures {
        figures::count_unread(response.status());
    }
    let status = response.status().as_u16();
    if response.status().is_server_error() {
        tracing::error!(event = "refused", status, peer, "{error}");
    } else {
        tracing::info!(event = "refused", status, peer, "{error}");
    }
    response
}

fn context_of(request: &ServiceRequest, dialect: &'static Dialect) -> ReplyContext {
    let api = request.app_data::<Data<Api>>();
    let default = api.map(|api| api.settings.locale).unwrap_or_default();
    let sent = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    let request_id = sent
        .and_then(|id| RequestId::parse(id).ok())
        .unwrap_or_else(|| api.and_then(|api| api.random.uuid().ok()).unwrap_or_default().into());
    ReplyContext {
        dialect,
        locale: negotiate(request, default),
        request_id,
        strict_transport: api
            .and_then(|api| api.strict_transport.clone().filter(|_| came_by_tls(request, api))),
    }
}

/// Whether nobody between could read along: not before this server, or not before its proxy.
fn came_by_tls(request: &ServiceRequest, api: &Api) -> bool {
    let proxies = &api.settings.trusted_proxies;
    request.app_data::<IsTls>().is_some_and(|is_tls| is_tls.0)
        || request
            .peer_addr()
            .is_some_and(|peer| proxies.vouch_for_tls(peer.ip(), request.headers()))
}

fn finish(
    response: ServiceResponse<impl MessageBody + 'static>,
    context: &ReplyContext,
    cors: Option<&cors::Answer<'_>>,
) -> ServiceResponse<BoxBody> {
    let rendered = response.response().error().map(|error| {
        let rejection = error.as_error::<Rejection>().map(|rejection| &rejection.0);
        let preflight = rejection
            .filter(|error| error.kind == ErrorKind::MethodNotAllowed)
            .and_then(|error| cors?.to_preflight(&error.allow));
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
            prop_assert_eq!(Shown(&path).to_string(), path.escape_debug().to_string());
        }
    }
}
