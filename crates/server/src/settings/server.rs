//! `[server]`: the address, and TLS without a proxy.

use std::fmt::{self, Display};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use actix_web::http::Uri;
use ipnet::IpNet;
use menjin_api::TrustedProxies;

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct ServerSettings {
    #[serde(with = "text::host")]
    pub(crate) host: IpAddr,
    pub(crate) port: u16,
    #[garde(range(max = 512))]
    pub(crate) workers: usize,
    #[serde(deserialize_with = "text::unquoted", serialize_with = "text::serialize")]
    public_url: PublicUrl,
    #[garde(custom(fits_a_process))]
    pub(crate) max_connections: NonZeroUsize,
    #[serde(with = "list")]
    trusted_proxies: Vec<Network>,
    #[serde(with = "duration")]
    #[garde(custom(lasts(SECOND, DAY)))]
    pub(crate) keep_alive: Duration,
    #[serde(with = "duration")]
    #[garde(custom(lasts(SHORTEST, LONGEST)))]
    pub(crate) shutdown_timeout: Duration,
    #[serde(with = "duration")]
    pub(crate) hsts: Duration,
    #[garde(dive)]
    pub(crate) tls: TlsSettings,
}

/// `[server.tls]`
#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct TlsSettings {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    #[serde(with = "duration")]
    #[garde(custom(lasts(10 * MILLISECOND, LONGEST)))]
    pub(crate) check_every: Duration,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde hands contexts over by reference")]
fn fits_a_process(connections: &NonZeroUsize, (): &()) -> garde::Result {
    let most = 1_000_000;
    let reason = || garde::Error::new(format!("must be between 1 and {most}"));
    if connections.get() <= most { Ok(()) } else { Err(reason()) }
}

impl ServerSettings {
    /// The address to listen on.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    /// Where people reach this server, without a slash at the end; `None` if nobody said.
    pub(crate) fn public_url(&self) -> Option<&str> {
        Some(self.public_url.0.as_str()).filter(|url| !url.is_empty())
    }

    /// The proxies whose `X-Forwarded-For` is trusted.
    pub(crate) fn trusted_proxies(&self) -> TrustedProxies {
        TrustedProxies::new(self.trusted_proxies.iter().map(|network| network.0).collect())
    }

    /// Checks that the metrics have an address of their own, and that TLS has both of its files.
    pub(super) fn check(&self, metrics: Option<SocketAddr>) -> Result<(), SettingsError> {
        let taken = metrics == Some(self.address()) && self.port != 0;
        require("metrics.listen", !taken, "server.host and server.port are there")?;
        let has_key = !self.tls.key.as_os_str().is_empty();
        let (has_all, name, other) = if self.tls.is_on() {
            (has_key, "server.tls.key", "server.tls.certificate")
        } else {
            (!has_key, "server.tls.certificate", "server.tls.key")
        };
        require(name, has_all, format!("required with {other}"))
    }
}

impl TlsSettings {
    /// Whether TLS is configured.
    pub(crate) fn is_on(&self) -> bool {
        !self.certificate.as_os_str().is_empty()
    }
}

/// An address such as `https://site.example/auth`, without the slash at its end; or nothing.
#[derive(Debug, Clone)]
struct PublicUrl(String);

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = "write the address that people reach this server at, with http:// or https://, \
                       such as https://accounts.example or https://site.example/auth";
        let trimmed = text.trim_end_matches('/');
        let has_scheme = ["http://", "https://"].iter().any(|scheme| trimmed.starts_with(scheme));
        let is_plain = !trimmed.contains(['?', '#', '@', '\\', ' ']) && !trimmed.ends_with("//");
        let is_url = trimmed.parse::<Uri>().is_ok_and(|url| {
            let host = url.host().unwrap_or_default();
            let has_port = url.authority().is_some_and(|authority| {
                authority.as_str().len() == host.len()
                    || authority.port_u16().is_some_and(|p| p != 0)
            });
            !host.is_empty() && has_port && !url.path().contains("//")
        });
        let is_taken = text.is_empty() || (has_scheme && is_plain && is_url);
        if is_taken { Ok(Self(trimmed.to_owned())) } else { Err(refused) }
    }
}

impl Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A network such as `192.0.2.0/24`, or a single address.
#[derive(Debug, Clone, Copy)]
struct Network(IpNet);

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let network =
            text.parse::<IpNet>().or_else(|_no_prefix| text.parse::<IpAddr>().map(IpNet::from));
        network.map(Self).map_err(|_neither| "not an address or a network like 192.0.2.0/24")
    }
}

impl Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
