//! Who is at the other end of the connection.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, USER_AGENT};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use ipnet::IpNet;
use menjin_domain::values::ClientInfo;

use crate::state::Api;

/// The peers whose `X-Forwarded-For` is believed: menjin's own reverse proxies.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Trusts these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether the peer is trusted and says that its own peer spoke TLS.
    pub(crate) fn vouch_for_tls(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all("x-forwarded-proto");
        let is_https =
            lines.next().is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
        is_https && lines.next().is_none() && self.contains(peer.to_canonical())
    }

    /// The client's address: the peer's, unless the peer is trusted; then the right-most hop that
    /// is not. What stands further left was written by the client and may be anything.
    fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.contains(client) {
            return client;
        }
        let lines: Vec<&str> =
            headers.get_all("x-forwarded-for").filter_map(|line| line.to_str().ok()).collect();
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            let Some(address) = parse_hop(hop.trim()) else { break };
            client = address;
            if !self.contains(client) {
                break;
            }
        }
        client
    }
}

/// An address, with or without a port: some proxies write one.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let address = hop
        .parse::<IpAddr>()
        .or_else(|_bare| hop.parse::<std::net::SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address| address.to_canonical())
}

/// The client behind the request, for limits and sessions.
pub(crate) struct Client(pub(crate) ClientInfo);

impl FromRequest for Client {
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // Without a peer there is no TCP: a test, or a Unix socket.
        let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip());
        let address = request.app_data::<Data<Api>>().map_or(peer, |api| {
            api.settings.trusted_proxies.client_address(peer, request.headers())
        });
        let user_agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        ready(Ok(Self(ClientInfo::at(address).with_user_agent(user_agent))))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn client(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let trusted = TrustedProxies::new(trusted.iter().map(|net| net.parse().unwrap()).collect());
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(
                HeaderName::from_static("x-forwarded-for"),
                HeaderValue::from_str(line).unwrap(),
            );
        }
        trusted.client_address(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn r9_a_stranger_cannot_forge_an_address() {
        assert_eq!(client(&[], "192.0.2.1", &["10.0.0.1"]), "192.0.2.1");
        assert_eq!(client(&["10.0.0.0/8"], "192.0.2.1", &["10.0.0.1"]), "192.0.2.1");
    }

    #[test]
    fn the_right_most_untrusted_hop_is_the_client() {
        let trusted = ["10.0.0.0/8", "::1/128"];
        assert_eq!(client(&trusted, "10.0.0.1", &["6.6.6.6, 192.0.2.9, 10.0.0.2"]), "192.0.2.9");
        assert_eq!(client(&trusted, "10.0.0.1", &["6.6.6.6", "192.0.2.9"]), "192.0.2.9");
        assert_eq!(client(&trusted, "::1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(client(&trusted, "10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client(&trusted, "10.0.0.1", &["192.0.2.9, garbage"]), "10.0.0.1");
        assert_eq!(client(&trusted, "::ffff:10.0.0.1", &["192.0.2.9"]), "192.0.2.9");
    }
}
