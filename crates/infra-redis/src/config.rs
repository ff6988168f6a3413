//! The configuration: where Redis is, and how it is used.

use std::time::Duration;

use deadpool_redis::redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisResult, TlsCertificates,
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::ConfigError;
use crate::tls::TlsFiles;

/// Where Redis is and how it is used.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `redis://USER:PASSWORD@HOST:PORT/DATABASE`, or `rediss://` for TLS. Only the host is
    /// required. TLS trusts the certificate authorities of the system, or those in `tls`.
    pub url: SecretString,
    /// The files of TLS, if the system's authorities are not enough.
    pub tls: TlsFiles,
    /// The prefix of every key and channel: several installations may share one Redis.
    pub namespace: String,
    /// How many connections there are at most.
    pub pool_size: usize,
    /// How long any operation may take, including connecting and waiting for a connection.
    pub timeout: Duration,
    /// What the URL points to.
    pub topology: Topology,
}

/// Which nodes there are besides the one in the URL.
#[derive(Debug, Clone, Default)]
pub enum Topology {
    /// No other node.
    #[default]
    Single,
    /// Sentinels know which node is the primary. Host and port of the URL are not used; its user,
    /// password, database and scheme apply to the nodes.
    Sentinel {
        /// The name that the Sentinels give the primary.
        master_name: String,
        /// The Sentinels: `HOST:PORT`, or URLs if they need passwords or TLS.
        nodes: Vec<SecretString>,
    },
    /// A cluster. Any of its nodes leads to the others.
    Cluster {
        /// More nodes than the one in the URL: `HOST:PORT`. User, password and scheme are those of
        /// the URL.
        nodes: Vec<String>,
    },
}

impl RedisConfig {
    /// The configuration for this URL, with the defaults for the rest.
    pub fn at(url: impl Into<SecretString>) -> Self {
        Self {
            url: url.into(),
            tls: TlsFiles::default(),
            namespace: "menjin".to_owned(),
            pool_size: 16,
            timeout: Duration::from_secs(1),
            topology: Topology::Single,
        }
    }

    /// Checks the configuration, but for the contents of files.
    ///
    /// # Errors
    /// The first field that is invalid.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let tls = self.endpoints()?.tls();
        if let Some(file) = self.tls.first() {
            require(file, tls, "is for TLS: write the URL with rediss:// in place of redis://")?;
        }
        let (cert, key) = (self.tls.cert.is_some(), self.tls.key.is_some());
        require("cert", cert || !key, "is needed beside its key")?;
        require("key", key || !cert, "is needed beside its certificate")
    }

    /// Checks the contents of the files.
    ///
    /// # Errors
    /// The first field whose file cannot be used.
    pub fn check_files(&self) -> Result<(), ConfigError> {
        self.tls.read().map(drop)
    }

    /// The parsed URLs of the topology.
    pub(crate) fn endpoints(&self) -> Result<Endpoints, ConfigError> {
        let node = parse("url", self.url.expose_secret())?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
        let fits = (1..=64).contains(&self.namespace.len());
        let letters = "1 to 64 of A-Z a-z 0-9 . _ : -";
        require("namespace", fits && self.namespace.chars().all(plain), letters)?;
        require("pool_size", (1..=1024).contains(&self.pool_size), "not between 1 and 1024")?;
        let bounds = Duration::from_millis(10)..=Duration::from_millis(2500);
        // Requests wait for Redis, and must be answered within three seconds.
        require("timeout", bounds.contains(&self.timeout), "not between 10ms and 2500ms")?;
        match &self.topology {
            Topology::Single => Ok(Endpoints::Single(node)),
            Topology::Sentinel { master_name, nodes } => {
                require("master_name", !master_name.is_empty(), "needed for sentinel")?;
                require("nodes", !nodes.is_empty(), "needed for sentinel: HOST:PORT of each")?;
                let sentinels = nodes.iter().map(|node| sentinel(node.expose_secret()));
                let sentinels = sentinels.collect::<Result<_, _>>()?;
                Ok(Endpoints::Sentinel { node, master_name: master_name.clone(), sentinels })
            }
            Topology::Cluster { nodes } => {
                require("url", node.redis_settings().db() == 0, "a cluster has no databases")?;
                let others = nodes.iter().map(|other| {
                    let url = parse("nodes", &format!("redis://{other}"))?;
                    require("nodes", !other.contains(['@', '/']), "write each as HOST:PORT")?;
                    Ok(at_address(&node, url.addr()))
                });
                let others = others.collect::<Result<Vec<_>, ConfigError>>()?;
                Ok(Endpoints::Cluster([vec![node.clone()], others].concat()))
            }
        }
    }
}

/// A configuration, parsed.
#[derive(Clone)]
pub(crate) enum Endpoints {
    Single(ConnectionInfo),
    Sentinel { node: ConnectionInfo, master_name: String, sentinels: Vec<ConnectionInfo> },
    Cluster(Vec<ConnectionInfo>),
}

impl Endpoints {
    /// Whether any node is reached over TLS.
    pub(crate) fn tls(&self) -> bool {
        match self {
            Self::Single(node) => is_tls(node),
            Self::Sentinel { node, sentinels, .. } => is_tls(node) || sentinels.iter().any(is_tls),
            Self::Cluster(nodes) => nodes.iter().any(is_tls),
        }
    }

    /// The same with these certificates wherever there is TLS.
    pub(crate) fn with(self, certificates: &TlsCertificates) -> RedisResult<Self> {
        let with = |node: ConnectionInfo| {
            if !is_tls(&node) {
                return Ok(node);
            }
            let client = Client::build_with_tls(node, certificates.clone())?;
            Ok(client.get_connection_info().clone())
        };
        let all = |nodes: Vec<_>| nodes.into_iter().map(with).collect::<RedisResult<Vec<_>>>();
        Ok(match self {
            Self::Single(node) => Self::Single(with(node)?),
            Self::Sentinel { node, master_name, sentinels } => {
                Self::Sentinel { node: with(node)?, master_name, sentinels: all(sentinels)? }
            }
            Self::Cluster(nodes) => Self::Cluster(all(nodes)?),
        })
    }
}

fn is_tls(node: &ConnectionInfo) -> bool {
    matches!(node.addr(), ConnectionAddr::TcpTls { .. })
}

/// The same user, password, database and scheme at another address.
pub(crate) fn at_address(node: &ConnectionInfo, address: &ConnectionAddr) -> ConnectionInfo {
    let (ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. }) = address
    else {
        return node.clone();
    };
    let (host, port) = (host.clone(), *port);
    let address = match node.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => ConnectionAddr::TcpTls {
            host,
            port,
            insecure: *insecure,
            tls_params: tls_params.clone(),
        },
        _ => ConnectionAddr::Tcp(host, port),
    };
    node.clone().set_addr(address)
}

fn require(field: &'static str, holds: bool, reason: &'static str) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError { field, reason: reason.into() }) }
}

fn sentinel(node: &str) -> Result<ConnectionInfo, ConfigError> {
    let url = if node.contains("://") { node.to_owned() } else { format!("redis://{node}") };
    parse("nodes", &url)
}

fn parse(field: &'static str, url: &str) -> Result<ConnectionInfo, ConfigError> {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    let reason = "write it as redis://USER:PASSWORD@HOST:PORT/DATABASE, or rediss:// for TLS";
    require(field, matches!(scheme, Some("redis" | "rediss")), reason)?;
    require(field, !url.contains('#'), "nothing may follow a #")?;
    // The error of the library may quote the URL, and with it the password.
    url.into_connection_info().map_err(|_quotes| ConfigError { field, reason: reason.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(change: impl FnOnce(&mut RedisConfig)) -> Option<&'static str> {
        let mut config = RedisConfig::at("redis://mike:canary@127.0.0.1:6380/2");
        change(&mut config);
        let error = config.validate().err()?;
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        Some(error.field)
    }

    #[test]
    fn what_makes_no_sense_is_named_without_the_password() {
        assert_eq!(field(|_| ()), None);
        for url in [
            "",
            "127.0.0.1",
            "http://:canary@h",
            "redis://:canary@h:99999",
            "redis://:canary@h/x",
            "redis+unix:///canary",
            "rediss://:canary@h/#insecure",
            "redis://:can#ary@h",
        ] {
            assert_eq!(field(|config| config.url = url.into()), Some("url"), "{url}");
        }
        for namespace in ["", "a b", "a{b}", "ü"] {
            assert_eq!(field(|config| config.namespace = namespace.into()), Some("namespace"));
        }
        assert_eq!(field(|config| config.pool_size = 0), Some("pool_size"));
        assert_eq!(field(|config| config.timeout = Duration::from_secs(3)), Some("timeout"));
    }

    #[test]
    fn j12_files_of_tls_need_tls_and_each_other() {
        type Files<'a> = [Option<&'a str>; 3];
        let named = |url: &str, [ca, cert, key]: Files<'_>| {
            field(|config| {
                config.url = url.into();
                let path = |file: Option<&str>| file.map(Into::into);
                config.tls = TlsFiles { ca: path(ca), cert: path(cert), key: path(key) };
            })
        };
        for (files, plain, tls) in [
            ([None, None, None], None, None),
            ([Some("ca"), None, None], Some("ca"), None),
            ([None, Some("cert"), Some("key")], Some("cert"), None),
            ([None, Some("cert"), None], Some("cert"), Some("key")),
            ([Some("ca"), None, Some("key")], Some("ca"), Some("cert")),
        ] {
            assert_eq!(named("redis://h", files), plain, "{files:?}");
            assert_eq!(named("rediss://h", files), tls, "{files:?}");
        }
    }

    #[test]
    fn topologies_need_their_nodes() {
        let sentinel = |name: &str, nodes: &[&str]| Topology::Sentinel {
            master_name: name.to_owned(),
            nodes: nodes.iter().map(|node| SecretString::from(*node)).collect(),
        };
        let cluster = |nodes: &[&str]| Topology::Cluster {
            nodes: nodes.iter().map(|node| (*node).to_owned()).collect(),
        };
        for (topology, wrong) in [
            (sentinel("m", &["a:1", "[::1]:2", "redis://:canary@c:3"]), None),
            (sentinel("", &["a:1"]), Some("master_name")),
            (sentinel("m", &[]), Some("nodes")),
            (sentinel("m", &["a:b"]), Some("nodes")),
            (cluster(&[]), Some("url")),
            (cluster(&["a:1"]), Some("url")),
        ] {
            assert_eq!(field(|config| config.topology = topology), wrong);
        }
        for (nodes, wrong) in
            [(&["a:1"][..], None), (&["a:b"], Some("nodes")), (&["u@a:1"], Some("nodes"))]
        {
            let changed = field(|config| {
                config.url = "redis://h".into();
                config.topology = cluster(nodes);
            });
            assert_eq!(changed, wrong, "{nodes:?}");
        }
    }

    #[test]
    fn other_nodes_have_the_credentials_of_the_url() {
        let mut config = RedisConfig::at("rediss://mike:secret@a:1");
        config.topology = Topology::Cluster { nodes: vec!["b:2".into()] };
        let Ok(Endpoints::Cluster(nodes)) = config.endpoints() else { panic!("no cluster") };
        assert!(
            matches!(nodes[1].addr(), ConnectionAddr::TcpTls { host, port: 2, insecure: false, .. } if host == "b")
        );
        assert_eq!(nodes[1].redis_settings().password(), Some("secret"));
        assert!(!format!("{config:?}").contains("secret@"));
    }
}
