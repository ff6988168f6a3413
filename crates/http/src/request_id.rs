//! The header by which a request is found in the log.
//!
//! tracing-actix-web is not used: it does not accept the id of a proxy in front, and its spans
//! write more fields than the single log line of a request has.

use actix_web::http::header::{HeaderMap, HeaderName};

/// The header: a proxy may send it, and every answer has it.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id that came with the request. Use it only if it is short and harmless, or it could forge
/// lines in the log.
pub fn sent(headers: &HeaderMap) -> Option<&str> {
    headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok())
}
