//! `[redis]`: from settings to the adapter's configuration.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use menjin_infra_redis::{RedisConfig, Topology};
use secrecy::{ExposeSecret as _, SecretString};

use super::mask::masked;
use super::{RedisSettings, SettingsError};

/// What `redis.url` leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisMode {
    /// One node.
    Single,
    /// A primary that Sentinels name.
    Sentinel,
    /// A cluster.
    Cluster,
}

impl FromStr for RedisMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "single" => Ok(Self::Single),
            "sentinel" => Ok(Self::Sentinel),
            "cluster" => Ok(Self::Cluster),
            other => Err(format!("{other:?} is not single, sentinel or cluster")),
        }
    }
}

/// A node as `HOST:PORT`, or a URL with a password. It prints without that.
#[derive(Clone)]
pub struct Node(SecretString);

impl FromStr for Node {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.trim().into()))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(self.0.expose_secret()))
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl RedisSettings {
    /// The configuration of the adapter; `None` without a URL.
    ///
    /// # Errors
    /// What makes no sense.
    pub fn config(&self) -> Result<Option<RedisConfig>, SettingsError> {
        let expose = |node: &Node| node.0.expose_secret().to_owned();
        let config = RedisConfig {
            url: self.url.clone(),
            namespace: self.namespace.clone(),
            pool_size: self.pool_size,
            timeout: self.timeout,
            topology: match self.mode {
                RedisMode::Single => Topology::Single,
                RedisMode::Sentinel => Topology::Sentinel {
                    master_name: self.master_name.clone(),
                    nodes: self.nodes.iter().map(|node| node.0.clone()).collect(),
                },
                RedisMode::Cluster => {
                    Topology::Cluster { nodes: self.nodes.iter().map(expose).collect() }
                }
            },
        };
        if self.url.expose_secret().is_empty() {
            return Ok(None);
        }
        // Left over from another mode, or the mode was forgotten: in silence it would be one node.
        if self.mode == RedisMode::Single && !self.nodes.is_empty() {
            let reason = "needs redis.mode = sentinel or cluster";
            return Err(SettingsError::bad("redis.nodes", reason));
        }
        config
            .validate()
            .map_err(|error| SettingsError::bad(format!("redis.{}", error.field), error.reason))?;
        Ok(Some(config))
    }

    /// The URL without its password.
    pub(super) fn masked_url(&self) -> String {
        masked(self.url.expose_secret())
    }
}
