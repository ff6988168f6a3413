//! `[redis]`: one node, a primary that Sentinels name, or a cluster.

use std::path::{Path, PathBuf};

use menjin_infra_redis::{ConfigError, RedisConfig, TlsFiles, Topology};

use super::masked::{PEM, ServerUrl};
use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct RedisSettings {
    #[serde(with = "text")]
    pub(crate) url: ServerUrl,
    ca: PathBuf,
    cert: PathBuf,
    key: PathBuf,
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
        for (name, path) in [("ca", &self.ca), ("cert", &self.cert), ("key", &self.key)] {
            let name = format!("redis.{name}");
            // Not shown: it may be a key.
            let is_path = !path.to_string_lossy().trim_start().starts_with(PEM);
            require(&name, is_path, "is a PEM itself: write it into a file, and name that here")?;
            let has_use = path.as_os_str().is_empty() || !self.url.expose().is_empty();
            require(&name, has_use, "has no effect without redis.url")?;
        }
        if self.url.expose().is_empty() {
            return Ok(None);
        }
        // This setting is left over from another mode, or the mode was forgotten. It would silently
        // be one node.
        let fits = self.mode != RedisMode::Single || self.nodes.is_empty();
        require("redis.nodes", fits, "needs redis.mode = sentinel or cluster")?;
        let config = RedisConfig {
            url: self.url.0.clone(),
            tls: TlsFiles { ca: named(&self.ca), cert: named(&self.cert), key: named(&self.key) },
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
        config.validate().map_err(bad)?;
        Ok(Some(config))
    }

    /// Reads the files that the settings name, to check them. Only the server needs them.
    ///
    /// # Errors
    /// The first setting whose file cannot be used.
    pub(crate) fn check_files(&self) -> Result<(), SettingsError> {
        self.config()?.map_or(Ok(()), |config| config.check_files().map_err(bad))
    }
}

fn named(path: &Path) -> Option<PathBuf> {
    (!path.as_os_str().is_empty()).then(|| path.to_owned())
}

fn bad(error: ConfigError) -> SettingsError {
    SettingsError::bad(format!("redis.{}", error.field), error.reason)
}
