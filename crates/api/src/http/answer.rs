//! The middleware through which every answer leaves.
//!
//! It gives the request its id, its language and its deadline, turns failures and panics into the
//! dialect's shape, sets the headers that every answer has, and writes the line in the log.

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, HeaderMap, HeaderName, HeaderValue, UPGRADE, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use futures_util::FutureExt as _;
use menjin_domain::ports::{Causes, PortError};
use tracing::Instrument as _;

use super::locale::Locale;
use super::patience;
use super::scope::{Dialect, Scope};
use super::unread::Hold;
use crate::failure::Failure;
use crate::state::Api;
use crate::{envelope, v1};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers a request.
///
/// # Errors
/// Only after a panic, or when patience has ended, with the answer in the error: the request that it
/// belongs to is gone then, or still at work.
pub(crate) async fn answer(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let scope = scope_of(&request);
    let (method, path) = (request.method().clone(), request.path().to_owned());
    if method == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    request.extensions_mut().insert(scope.clone());
    let span = tracing::info_span!("request", id = %scope.request_id);
    let unread = Hold::of(&mut request);
    let outcome = if wants_websocket(&request) {
        let refused = request.into_response(render(&Failure::BadRequest, &scope));
        Some(Ok(Ok(refused.map_into_left_body())))
    } else {
        let call =
            async move { next.call(request).await.map(ServiceResponse::map_into_right_body) };
        let call = AssertUnwindSafe(call).catch_unwind().instrument(span.clone());
        patience::within(call).await
    };
    let _entered = span.enter();
    let result = match outcome {
        Some(Ok(Ok(response))) => {
            Ok(finish(response, &scope).map_body(|_head, body| unread.until_sent(body)))
        }
        Some(Ok(Err(error))) => Err(Answered::new(render_error(&error, &scope), &scope)),
        None => {
            let late = PortError::unavailable("a back end", "the answers took too long in all");
            Err(Answered::new(render(&Failure::Unavailable(late), &scope), &scope))
        }
        Some(Err(_panic)) => {
            tracing::error!(event = "panic", %method, path = %path.escape_debug(), "a handler panicked");
            Err(Answered::new(render(&Failure::Internal(None), &scope), &scope))
        }
    };
    let status = match &result {
        Ok(response) => response.status(),
        Err(answered) => answered.status,
    };
    let took = started.elapsed();
    tracing::info!(
        event = "request",
        %method,
        path = %path.escape_debug(),
        status = status.as_u16(),
        took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    );
    result.map_err(Error::from)
}

/// Whether a request asks to go on as a WebSocket. actix takes all that follows it for that, whatever
/// `Content-Length` says, where a proxy before it may go by the length: there is nothing to upgrade
/// to here, so it is refused and the connection closed.
fn wants_websocket(request: &ServiceRequest) -> bool {
    let upgrades = request.headers().get_all(UPGRADE);
    upgrades.filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"))
    })
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

impl Answered {
    fn new(mut response: HttpResponse, scope: &Scope) -> Self {
        set_headers(response.headers_mut(), scope);
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

fn scope_of(request: &ServiceRequest) -> Scope {
    let api = request.app_data::<Data<Api>>();
    let default = api.map(|api| api.settings.locale).unwrap_or_default();
    let sent = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    let request_id = sent.filter(|id| is_request_id(id)).map_or_else(
        || api.and_then(|api| api.entropy.uuid().ok()).unwrap_or_default().to_string(),
        str::to_owned,
    );
    Scope {
        dialect: Dialect::of(request.path()),
        locale: Locale::negotiate(request, default),
        request_id,
    }
}

/// An id that a proxy may hand on: nothing that could forge a line in a log.
fn is_request_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn finish(
    response: ServiceResponse<impl MessageBody + 'static>,
    scope: &Scope,
) -> ServiceResponse<BoxBody> {
    let rendered = response.response().error().map(|error| render_error(error, scope));
    let mut response = match rendered {
        Some(rendered) => response.into_response(rendered),
        None => response.map_into_boxed_body(),
    };
    set_headers(response.headers_mut(), scope);
    response
}

/// Renders an error of a handler's, an extractor's or actix's own.
fn render_error(error: &Error, scope: &Scope) -> HttpResponse {
    if let Some(failure) = error.as_error::<Failure>() {
        return render(failure, scope);
    }
    let status = error.as_response_error().status_code();
    tracing::debug!(%error, %status, "refused by the framework");
    match status {
        StatusCode::NOT_FOUND => render(&Failure::RouteNotFound, scope),
        StatusCode::PAYLOAD_TOO_LARGE => render(&Failure::TooLarge, scope),
        status if status.is_client_error() => render(&Failure::BadRequest, scope),
        _ => render(&Failure::Internal(None), scope),
    }
}

fn render(failure: &Failure, scope: &Scope) -> HttpResponse {
    if let Some(cause) = failure.cause() {
        tracing::error!(error = %Causes(cause), "{failure}");
    }
    match scope.dialect {
        Dialect::V1 => v1::render(failure, scope),
        Dialect::Envelope => envelope::render(failure, scope),
    }
}

fn set_headers(headers: &mut HeaderMap, scope: &Scope) {
    if let Ok(id) = HeaderValue::from_str(&scope.request_id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(CACHE_CONTROL) {
        // Answers hold tokens and personal data (RFC 6749 §5.1).
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(scope.locale.tag()));
    headers.append(VARY, HeaderValue::from_static("Accept-Language"));
}
