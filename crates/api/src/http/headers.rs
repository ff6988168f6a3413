//! The headers that every answer has.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CROSS_ORIGIN_RESOURCE_POLICY,
    HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use crate::dialect::ReplyContext;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What browsers are to make of any answer (OWASP REST Security Cheat Sheet, "Security Headers"):
/// it is what it says, no page, and nobody's frame or picture.
const ALWAYS: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
];

/// The same for what handlers may decide otherwise.
const UNLESS_SET: [(HeaderName, &str); 2] = [
    // Answers hold tokens and personal data (RFC 6749 §5.1).
    (CACHE_CONTROL, "no-store"),
    // The documentation pages have one of their own.
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
];

pub(crate) fn set_headers(headers: &mut HeaderMap, scope: &ReplyContext) {
    if let Ok(id) = HeaderValue::from_str(scope.request_id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in UNLESS_SET {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if let Some(value) = &scope.strict_transport {
        headers.insert(STRICT_TRANSPORT_SECURITY, value.clone());
    }
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(scope.locale.tag()));
    headers.append(VARY, HeaderValue::from_static("Accept-Language"));
}
