//! The header by which a request is found in the log.
//!
//! Not by tracing-actix-web: its ids do not come from a proxy in front, and its spans write more
//! fields for each request than the one line in the log has.

use actix_web::http::header::{HeaderMap, HeaderName};

/// The header: a proxy may send it, and every answer has it.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id that came with the request. Take it over only if it is short and harmless: it could
/// otherwise forge lines in the log.
pub fn sent(headers: &HeaderMap) -> Option<&str> {
    headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok())
}
