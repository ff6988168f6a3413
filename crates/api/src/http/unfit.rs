//! Requests that actix takes and that are refused all the same, before they are routed: what is in
//! front may have read them differently.

use actix_web::dev::ServiceRequest;
use actix_web::http::Version;
use actix_web::http::header::{HOST, HeaderMap, UPGRADE};
use actix_web::http::uri::Authority;
use menjin_web::ErrorKind;

use crate::serving::MAX_HEAD;

/// How to refuse a request, and close its connection.
pub(crate) fn refused(request: &ServiceRequest) -> Option<ErrorKind> {
    let headers = request.headers();
    if request.version() == Version::HTTP_2 && is_too_long(request) {
        return Some(ErrorKind::HeadTooLarge);
    }
    (wants_websocket(headers) || !names_a_host(headers)).then_some(ErrorKind::BadRequest)
}

/// Whether a head of HTTP/2 is longer than one may be, counted as there (RFC 9113 §6.5.2). Those of
/// HTTP/1 are measured before they are read.
fn is_too_long(request: &ServiceRequest) -> bool {
    const PER_FIELD: usize = 32;
    let fields = request.headers().iter();
    let fields = fields.map(|(name, value)| name.as_str().len() + value.len() + PER_FIELD);
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    target + fields.sum::<usize>() > MAX_HEAD
}

/// Whether a request asks to go on as a WebSocket. actix takes all that follows it for that, whatever
/// `Content-Length` says, where a proxy before it may go by the length: there is nothing to upgrade
/// to here, so it is refused and the connection closed.
fn wants_websocket(headers: &HeaderMap) -> bool {
    let upgrades = headers.get_all(UPGRADE);
    upgrades.filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"))
    })
}

/// Whether `Host` is the name or address of one, with or without a port (RFC 9112 §3.2 has no other
/// answered but by 400). It may be empty, as health checks of proxies have it.
fn names_a_host(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST);
    let Some(host) = hosts.next().filter(|host| !host.is_empty()) else { return true };
    if hosts.next().is_some() {
        return false;
    }
    let authority = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    authority.is_some_and(|authority| {
        // Of `user@host` the host is no prefix.
        let port = authority.as_str().strip_prefix(authority.host());
        port.is_some_and(|port| {
            matches!(port, "" | ":")
                || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
        })
    })
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn h1_hosts() {
        let named = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_bytes(host.as_bytes()).unwrap());
            names_a_host(&headers)
        };
        for host in ["", "x", "x:8000", "x:", "menjin.example", "10.0.0.1:80", "[::1]", "[::1]:80"]
        {
            assert!(named(host), "{host:?}");
        }
        for host in ["a b", "a/b", "a@b", "a@b:1", "a:b", "a:1:2", "a:65536", "[::1", "\u{e9}"] {
            assert!(!named(host), "{host:?}");
        }
        assert!(names_a_host(&HeaderMap::new()), "HTTP/1.0 and HTTP/2 have none");
    }
}
