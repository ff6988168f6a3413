//! Requests that actix accepts but menjin refuses before routing: a proxy in front may have read
//! them in another way.

use actix_web::http::header::{HOST, HeaderMap, UPGRADE};
use actix_web::http::uri::Authority;

/// Whether a request with these headers could be read in two ways. Answer 400 and close the
/// connection.
pub fn is_ambiguous(headers: &HeaderMap) -> bool {
    wants_websocket(headers) || !names_a_host(headers)
}

/// Whether a request asks for an upgrade to a WebSocket. actix reads everything after the head as
/// WebSocket data, whatever `Content-Length` says. A proxy may rely on that length. No route here
/// is a WebSocket.
fn wants_websocket(headers: &HeaderMap) -> bool {
    let upgrades = headers.get_all(UPGRADE);
    upgrades.filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"))
    })
}

/// Whether `Host` is one name or address, with or without a port: RFC 9112 §3.2 requires 400 for
/// anything else. It may be empty, since health checks of proxies send an empty `Host`.
fn names_a_host(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST);
    let Some(host) = hosts.next().filter(|host| !host.is_empty()) else { return true };
    if hosts.next().is_some() {
        return false;
    }
    let authority = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    authority.is_some_and(|authority| {
        // With `user@host` the text does not begin with the host.
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
        assert!(names_a_host(&HeaderMap::new()), "HTTP/1.0 has none");
    }
}
