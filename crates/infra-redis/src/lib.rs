//! # menjin-infra-redis
//!
//! What several replicas share: the cache, the limits per client network, and the channel by which
//! they tell each other what to invalidate. It works with one node of Redis or Valkey, with a
//! primary that Sentinels name, and with a Cluster; over TLS and as an ACL user if the URL says so.
//!
//! Every operation is answered within [`RedisConfig::timeout`], connecting included, or is
//! `Unavailable`. Connections are made when they are needed, and made anew when they are broken: a
//! server that was down is used again without a restart.
//!
//! Keys are `<namespace>:v1:<client|probe|rate>:<key>`. A value begins with a byte for its version.
//! A value of another version reads as absent, so that different releases may run side by side.

mod cache;
mod client;
mod config;
mod error;
mod fallback;
mod invalidation;
mod manager;
mod rates;
mod tls;

pub use cache::RedisCache;
pub use client::RedisClient;
pub use config::{RedisConfig, Topology};
pub use error::ConfigError;
pub use fallback::FallbackRateLimiter;
pub use invalidation::RedisInvalidation;
pub use rates::RedisRateLimiter;
pub use tls::TlsFiles;
