//! The address of the client, with or without proxies in front.
//!
//! actix's `ConnectionInfo` is not used: it believes `X-Forwarded-For` and `Forwarded` from
//! anybody.

use std::net::IpAddr;
use std::sync::Once;

use actix_web::http::header::{HeaderMap, HeaderValue};
use ipnet::IpNet;

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
    pub fn vouch_for_tls(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        if !self.contains(peer.to_canonical()) {
            return false;
        }
        let lines = headers.get_all("x-forwarded-proto").map(HeaderValue::as_bytes);
        let mut protocols = lines.flat_map(|line| line.split(|byte| *byte == b',')).peekable();
        // Several proxies add to it, and each of them has to say so.
        protocols.peek().is_some()
            && protocols.all(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"https"))
    }

    /// The client's address: the peer's, unless the peer is trusted; then the right-most hop that
    /// is not trusted. The client can write anything to the left of it.
    pub fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.contains(client) {
            return client;
        }
        // Read it as bytes: a proxy may have added its hop to a line that is not valid text.
        let lines: Vec<&[u8]> =
            headers.get_all("x-forwarded-for").map(HeaderValue::as_bytes).collect();
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
        // Some proxies leave a comma at an end.
        for hop in hops.map(<[u8]>::trim_ascii).filter(|hop| !hop.is_empty()) {
            let Some(address) = std::str::from_utf8(hop).ok().and_then(parse_hop) else {
                report_unreadable(peer, hop);
                break;
            };
            client = address;
            if !self.contains(client) {
                break;
            }
        }
        client
    }
}

/// An address, with or without a port, quotes, brackets and a zone: proxies differ.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let hop = hop.strip_prefix('"').and_then(|hop| hop.strip_suffix('"')).unwrap_or(hop);
    let (host, rest) = match hop.strip_prefix('[') {
        Some(hop) => hop.split_once(']')?,
        None if hop.matches(':').count() == 1 => hop.split_at(hop.find(':')?),
        None => (hop, ""),
    };
    let has_no_port = rest.is_empty() || rest.strip_prefix(':')?.parse::<u16>().is_ok();
    let address = host.split_once('%').map_or(host, |(address, _zone)| address);
    address.parse().ok().filter(|_: &IpAddr| has_no_port).map(|address| address.to_canonical())
}

/// Says once what a trusted proxy wrote that is no address: until that is mended, its clients share
/// the limits of an address that is not theirs.
fn report_unreadable(peer: IpAddr, hop: &[u8]) {
    static REPORT: Once = Once::new();
    let hop = hop.get(..100).unwrap_or(hop).escape_ascii();
    REPORT.call_once(|| {
        let peer = peer.to_canonical();
        let event = "unreadable_forwarded_for";
        tracing::warn!(event, %peer, %hop, "a trusted proxy sent no address in X-Forwarded-For");
    });
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderName;
    use proptest::prelude::*;

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

    /// A proxy adds its hop to the line that the client has sent.
    #[test]
    fn r9_a_line_that_is_no_text_hides_no_hop() {
        let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        for line in [&b"6.6.6.6"[..], b"\xff, 192.0.2.9"] {
            let name = HeaderName::from_static("x-forwarded-for");
            headers.append(name, HeaderValue::from_bytes(line).unwrap());
        }
        let client = trusted.client_address("10.0.0.1".parse().unwrap(), &headers);
        assert_eq!(client.to_string(), "192.0.2.9");
    }

    /// Lines that a proxy or a client might write: addresses and other texts.
    fn lines() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let hop = prop_oneof![
            any::<IpAddr>().prop_map(|address| address.to_string()),
            any::<(std::net::Ipv4Addr, u16)>().prop_map(|(ip, port)| format!("{ip}:{port}")),
            any::<(std::net::Ipv6Addr, u16)>().prop_map(|(ip, port)| format!("[{ip}]:{port}")),
            prop::sample::select(
                &["10.0.0.7", " 10.1.1.1 ", "", "unknown", "_x", "1.2.3", "::1%0"][..]
            )
            .prop_map(str::to_owned),
            "[ -~]{0,20}",
        ];
        let line = prop::collection::vec(hop, 0..6).prop_map(|hops| hops.join(",").into_bytes());
        let anything = prop::collection::vec(any::<u8>(), 0..40);
        prop::collection::vec(prop_oneof![4 => line, 1 => anything], 0..4)
    }

    proptest! {
        #[test]
        fn r9_whatever_is_written_a_stranger_is_who_it_is(
            peer: IpAddr, forwarded in lines(), standard in lines(),
        ) {
            let append = |headers: &mut HeaderMap, name: &'static str, lines: &[Vec<u8>]| {
                for line in lines.iter().filter_map(|line| HeaderValue::from_bytes(line).ok()) {
                    headers.append(HeaderName::from_static(name), line);
                }
            };
            let mut ours = HeaderMap::new();
            append(&mut ours, "x-forwarded-for", &forwarded);
            let mut both = ours.clone();
            append(&mut both, "forwarded", &standard);
            prop_assert_eq!(
                TrustedProxies::default().client_address(peer, &both),
                peer.to_canonical()
            );
            // Behind a proxy, the result is the proxy or an address from the header. `Forwarded`
            // (RFC 7239) is never read.
            let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
            let proxy: IpAddr = "10.0.0.1".parse().unwrap();
            let client = proxies.client_address(proxy, &ours);
            prop_assert_eq!(proxies.client_address(proxy, &both), client);
            let written = ours
                .get_all("x-forwarded-for")
                .filter_map(|line| line.to_str().ok())
                .flat_map(|line| line.split(','))
                .filter_map(|hop| parse_hop(hop.trim()))
                .any(|address| address == client);
            prop_assert!(written || client == proxy, "{} is nobody's", client);
        }
    }
}
