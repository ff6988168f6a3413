//! Where a request came from.

use std::fmt;
use std::net::{AddrParseError, IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The network that limits count by: an IPv4 address, or an IPv6 /64 (one subscriber can have all
/// 2⁶⁴ addresses of it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientNetwork(IpAddr);

impl From<IpAddr> for ClientNetwork {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        })
    }
}

impl fmt::Display for ClientNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => v4.fmt(f),
            IpAddr::V6(v6) => write!(f, "{v6}/64"),
        }
    }
}

impl FromStr for ClientNetwork {
    type Err = AddrParseError;

    /// Parses the displayed form.
    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        text.strip_suffix("/64").unwrap_or(text).parse::<IpAddr>().map(Self::from)
    }
}

/// What is known about the client of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientInfo {
    /// The address of the client, behind the proxies that are trusted.
    pub address: IpAddr,
    /// The `User-Agent` as sent, cut to [`ClientInfo::MAX_USER_AGENT`] characters.
    pub user_agent: Option<String>,
}

impl ClientInfo {
    /// The part of a `User-Agent` that is kept, in characters.
    pub const MAX_USER_AGENT: usize = 255;

    /// A client at this address, without a `User-Agent`.
    pub fn at(address: IpAddr) -> Self {
        Self { address, user_agent: None }
    }

    /// Adds the `User-Agent`. Control characters are removed.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: Option<&str>) -> Self {
        self.user_agent = user_agent.map(|agent| {
            agent.chars().filter(|c| !c.is_control()).take(Self::MAX_USER_AGENT).collect()
        });
        self
    }

    /// The process itself: the command line, an embedding service.
    pub fn local() -> Self {
        Self::at(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    /// The network that limits count by.
    pub fn network(&self) -> ClientNetwork {
        self.address.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> String {
        ClientNetwork::from(address.parse::<IpAddr>().unwrap()).to_string()
    }

    #[test]
    fn ipv6_counts_by_its_64() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2:ffff::1"), network("2001:db8:1:2::9"));
        assert_ne!(network("2001:db8:1:3::1"), network("2001:db8:1:2::1"));
    }

    #[test]
    fn networks_go_round() {
        for address in ["192.0.2.1", "2001:db8:1:2:3:4:5:6", "::1"] {
            let network = ClientNetwork::from(address.parse::<IpAddr>().unwrap());
            assert_eq!(network.to_string().parse(), Ok(network));
        }
        assert!("".parse::<ClientNetwork>().is_err());
    }

    #[test]
    fn mapped_ipv4_counts_as_ipv4() {
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn a_user_agent_is_cut_and_cleaned() {
        let client =
            ClientInfo::local().with_user_agent(Some(&format!("a\r\n\x1b[31m{}", "b".repeat(999))));
        let agent = client.user_agent.unwrap();
        assert_eq!(agent.chars().count(), 255);
        assert!(agent.starts_with("a[31mb"));
    }
}
