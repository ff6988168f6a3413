//! The security headers that every answer has.
//!
//! actix's `DefaultHeaders` is not used: it does not cover the answers after panics and timeouts,
//! which are errors for actix's middleware.

use std::time::Duration;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CROSS_ORIGIN_RESOURCE_POLICY, HeaderMap, HeaderName,
    HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

/// Headers for any answer (OWASP REST Security Cheat Sheet, "Security Headers"): browsers must
/// trust its media type, and no other page may frame or embed it.
const ALWAYS: [(HeaderName, &str); 3] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
];

/// Headers for an answer, unless a handler has set them.
const UNLESS_SET: [(HeaderName, &str); 3] = [
    // Answers hold tokens and personal data (RFC 6749 §5.1).
    (CACHE_CONTROL, "no-store"),
    // Pages have policies of their own.
    (REFERRER_POLICY, "no-referrer"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
];

/// Sets them.
pub fn set(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in UNLESS_SET {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// The value of `Strict-Transport-Security` (RFC 6797): browsers insist on TLS for this long.
/// `None` if the time is zero. Set it only on answers to clients that came by TLS.
pub fn strict_transport_security(max_age: Duration) -> Option<HeaderValue> {
    let seconds = Some(max_age.as_secs()).filter(|seconds| *seconds > 0)?;
    HeaderValue::from_str(&format!("max-age={seconds}")).ok()
}
