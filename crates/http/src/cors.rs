//! Which pages of other origins may call from a browser (Fetch Standard, "CORS protocol").
//!
//! actix-cors is not used, for two reasons. First, a preflight is answered with the `Allow` of the
//! route's own 405, so there is no second list of methods that could differ from the routes. Second,
//! the headers are set on every answer, also after panics, which actix-cors does not see.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use actix_web::http::uri::Authority;

/// The headers that requests may carry, beyond those that any page may send.
/// The last ones are those that tracing and error reporters add (W3C Trace Context, W3C Baggage,
/// Sentry) and that many libraries of HTTP set.
const REQUEST_HEADERS: &str = "authorization, content-type, x-request-id, traceparent, tracestate, \
                               baggage, sentry-trace, x-requested-with";
/// The methods of the answer to a preflight for a path that nobody has: the page is to see the 404.
const ANY_METHOD: &str = "GET, POST, PUT, PATCH, DELETE";
/// The headers that pages may read, beyond those that any page may read.
const RESPONSE_HEADERS: &str = "allow, retry-after, www-authenticate, x-request-id";

/// An origin as browsers send it, such as `https://app.example`; or `*` for any. In
/// `https://*.app.example` the star stands for one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// Why a text is not an origin that a browser sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrigin {
    /// Sandboxed pages and files send it, so it could be anybody.
    #[error("null is what pages of any origin can send")]
    Null,
    /// It is not a scheme, a host, and at most a port.
    #[error("write it as https://app.example: a scheme, a host, a port if there is one, no path")]
    Malformed,
    /// It has capital letters.
    #[error("browsers send it in small letters")]
    Capitals,
    /// It names the default port of its scheme.
    #[error("browsers leave the scheme's own port out")]
    DefaultPort,
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        match text {
            "*" => return Ok(Self(text.to_owned())),
            "null" => return Err(InvalidOrigin::Null),
            _ => {}
        }
        let (scheme, host) = text.split_once("://").ok_or(InvalidOrigin::Malformed)?;
        // A star below a name that somebody owns: not below all of `.com`.
        let host = match host.strip_prefix("*.") {
            Some(domain) if domain.contains('.') => domain,
            _ => host,
        };
        let authority: Authority = host.parse().map_err(|_uri| InvalidOrigin::Malformed)?;
        let port = host.strip_prefix(authority.host()).ok_or(InvalidOrigin::Malformed)?;
        let has_port = port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
        let host = authority.host();
        let has_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)),
        };
        if host.is_empty()
            || !has_host
            || !(port.is_empty() || has_port)
            || !scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            || !scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        {
            return Err(InvalidOrigin::Malformed);
        }
        if text.chars().any(|c| c.is_ascii_uppercase()) {
            return Err(InvalidOrigin::Capitals);
        }
        match (scheme, port) {
            ("http", ":80") | ("https", ":443") => Err(InvalidOrigin::DefaultPort),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Origin {
    /// Whether it means any origin.
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }

    /// Whether this origin is meant.
    pub fn is_of(&self, sent: &[u8]) -> bool {
        let Some((scheme, domain)) = self.0.split_once("*.") else {
            return self.0.as_bytes() == sent;
        };
        let label = sent
            .strip_prefix(scheme.as_bytes())
            .and_then(|rest| rest.strip_suffix(domain.as_bytes()))
            .and_then(|rest| rest.strip_suffix(b"."));
        let is_of_labels = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        label.is_some_and(|label| !label.is_empty() && label.iter().all(is_of_labels))
    }
}

/// Which origins may call, and how.
#[derive(Debug, Clone, Default)]
pub struct Cors {
    /// The origins. If there are none, no header of CORS is sent.
    pub origins: Vec<Origin>,
    /// Whether calls may carry the browser's credentials. This holds for named origins only, never
    /// for `*`.
    pub credentials: bool,
    /// Headers that requests may carry beyond those that menjin or tracing uses.
    pub headers: Vec<RequestHeader>,
    /// How long a browser may remember the answer to a preflight.
    pub max_age: Duration,
}

/// The name of a header, in small letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHeader(HeaderName);

/// It is no name of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a header, such as x-tenant")]
pub struct InvalidHeaderName;

impl FromStr for RequestHeader {
    type Err = InvalidHeaderName;

    fn from_str(text: &str) -> Result<Self, InvalidHeaderName> {
        text.parse().map(Self).map_err(|_invalid| InvalidHeaderName)
    }
}

impl fmt::Display for RequestHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The headers for the page that a request comes from.
pub struct CorsDecision<'a> {
    cors: &'a Cors,
    allowed: Option<HeaderValue>,
    /// Whether this is a preflight.
    is_preflight: bool,
}

impl Cors {
    /// Decides by the origin of a request; `None` if no origins are configured.
    pub fn decide(&self, request: &ServiceRequest) -> Option<CorsDecision<'_>> {
        if self.origins.is_empty() {
            return None;
        }
        let mut sent = request.headers().get_all(ORIGIN);
        let origin = sent.next().filter(|_| sent.next().is_none());
        let allowed = origin.and_then(|origin| self.allow(origin));
        let is_preflight = allowed.is_some()
            && request.method() == Method::OPTIONS
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        Some(CorsDecision { cors: self, allowed, is_preflight })
    }

    /// Decides by the origin of what is refused before it is a request.
    pub fn decide_unread(&self, origin: Option<&HeaderValue>) -> Option<CorsDecision<'_>> {
        let allowed = origin.and_then(|origin| self.allow(origin));
        let decision = CorsDecision { cors: self, allowed, is_preflight: false };
        (!self.origins.is_empty()).then_some(decision)
    }

    /// The origin that the answer allows, if a page of this origin may call.
    fn allow(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        if self.is_for_any() {
            return Some(HeaderValue::from_static("*"));
        }
        let known = self.origins.iter().any(|known| known.is_of(origin.as_bytes()));
        known.then(|| origin.clone())
    }

    fn is_for_any(&self) -> bool {
        self.origins.iter().any(Origin::is_any)
    }
}

impl CorsDecision<'_> {
    /// The answer to a preflight for a route that takes these methods; `None` if it is no
    /// preflight.
    pub fn preflight_response(&self, methods: &str) -> Option<HttpResponse> {
        let max_age = self.cors.max_age.as_secs();
        let mut headers = REQUEST_HEADERS.to_owned();
        headers.extend(self.cors.headers.iter().flat_map(|header| [", ", header.0.as_str()]));
        self.is_preflight.then(|| {
            HttpResponse::NoContent()
                .insert_header((ACCESS_CONTROL_ALLOW_METHODS, methods))
                .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, headers))
                .insert_header((ACCESS_CONTROL_MAX_AGE, max_age))
                .finish()
        })
    }

    /// The answer to a preflight for a path that nobody has.
    pub fn preflight_response_of_unknown_path(&self) -> Option<HttpResponse> {
        self.preflight_response(ANY_METHOD)
    }

    /// Adds the headers that every answer has.
    pub fn set_headers(&self, headers: &mut HeaderMap) {
        if !self.cors.is_for_any() {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        let Some(origin) = &self.allowed else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if self.cors.credentials && !self.cors.is_for_any() {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if !self.is_preflight {
            let readable = HeaderValue::from_static(RESPONSE_HEADERS);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, readable);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h6_origins_are_written_as_browsers_send_them() {
        for good in [
            "*",
            "https://app.example",
            "http://localhost:3000",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "https://xn--fiq228c.example",
            "capacitor://localhost",
            "https://*.app.example",
            "https://*.app.example:8443",
        ] {
            assert!(good.parse::<Origin>().is_ok(), "{good}");
        }
        for (bad, reason) in [
            ("null", InvalidOrigin::Null),
            ("", InvalidOrigin::Malformed),
            ("app.example", InvalidOrigin::Malformed),
            ("https://", InvalidOrigin::Malformed),
            ("https://:443", InvalidOrigin::Malformed),
            ("https://app.example/", InvalidOrigin::Malformed),
            ("https://app.example/page", InvalidOrigin::Malformed),
            ("https://app.example?x", InvalidOrigin::Malformed),
            ("https://mike@app.example", InvalidOrigin::Malformed),
            ("https://app.example:port", InvalidOrigin::Malformed),
            ("https://app.example:", InvalidOrigin::Malformed),
            ("https://中文.example", InvalidOrigin::Malformed),
            ("https://*.example", InvalidOrigin::Malformed),
            ("https://*", InvalidOrigin::Malformed),
            ("https://*.*.example", InvalidOrigin::Malformed),
            ("https://a*.app.example", InvalidOrigin::Malformed),
            ("https://a.*.app.example", InvalidOrigin::Malformed),
            ("*.app.example", InvalidOrigin::Malformed),
            ("http://[x]", InvalidOrigin::Malformed),
            ("https://App.example", InvalidOrigin::Capitals),
            ("https://app.example:443", InvalidOrigin::DefaultPort),
            ("http://app.example:80", InvalidOrigin::DefaultPort),
        ] {
            assert_eq!(bad.parse::<Origin>(), Err(reason), "{bad}");
        }
    }

    #[test]
    fn j20_a_star_stands_for_one_label() {
        let origin: Origin = "https://*.app.example:8443".parse().unwrap();
        for good in ["https://a.app.example:8443", "https://x-1.app.example:8443"] {
            assert!(origin.is_of(good.as_bytes()), "{good}");
        }
        for bad in [
            "https://app.example:8443",
            "https://.app.example:8443",
            "https://a.b.app.example:8443",
            "http://a.app.example:8443",
            "https://a.app.example",
            "https://a.app.example:8443.evil.example",
            "https://evil.example/.app.example:8443",
            "https://evilapp.example:8443",
            "https://*.app.example:8443x",
            "null",
        ] {
            assert!(!origin.is_of(bad.as_bytes()), "{bad}");
        }
    }
}
