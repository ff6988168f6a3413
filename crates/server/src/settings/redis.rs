//! `[redis]`: one node, a primary that Sentinels name, or a cluster.

use menjin_infra_redis::{RedisConfig, Topology};

use super::masked::ServerUrl;
use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct RedisSettings {
    #[serde(with = "text")]
    pub(crate) url: ServerUrl,
    #[serde(deserialize_with = "text::name")]
    mode: RedisMode,
    #[serde(with = "list")]
    nodes: Vec<ServerUrl>,
    master_name: String,
    namespace: String,
    pool_size: usize,
    #[serde(with = "duration")]
    timeout: Duration,
}

/// What `redis.url` points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum RedisMode {
    Single,
    Sentinel,
    Cluster,
}

impl RedisSettings {
    /// The configuration of the adapter, which checks its bounds; `None` without a URL.
    ///
    /// # Errors
    /// The first setting that is invalid.
    pub(crate) fn config(&self) -> Result<Option<RedisConfig>, SettingsError> {
        if self.url.expose().is_empty() {
            return Ok(None);
        }
        // This setting is left over from another mode, or the mode was forgotten. It would silently
        // be one node.
        let fits = self.mode != RedisMode::Single || self.nodes.is_empty();
        require("redis.nodes", fits, "needs redis.mode = sentinel or cluster")?;
        let config = RedisConfig {
            url: self.url.0.clone(),
            namespace: self.namespace.clone(),
            pool_size: self.pool_size,
            timeout: self.timeout,
            topology: match self.mode {
                RedisMode::Single => Topology::Single,
                RedisMode::Sentinel => Topology::Sentinel {
                    master_name: self.master_name.clone(),
                    nodes: self.nodes.iter().map(|node| node.0.clone()).collect(),
                },
                RedisMode::Cluster => Topology::Cluster {
                    nodes: self.nodes.iter().map(|node| node.expose().to_owned()).collect(),
                },
            },
        };
        config
            .validate()
            .map_err(|error| SettingsError::bad(format!("redis.{}", error.field), error.reason))?;
        Ok(Some(config))
    }
}
