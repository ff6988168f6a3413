//! # menjin-infra-redis
//!
//! What several replicas share: the cache, the limits per client network, and the channel by which
//! they tell each other what to forget. On one node of Redis or Valkey, on a primary that Sentinels
//! name, or on a Cluster; over TLS and as an ACL user where the URL says so.
//!
//! Everything is answered within [`RedisConfig::timeout`], connecting included, or is `Unavailable`.
//! Connections are made when they are needed, and anew when they broke: a back end that was away is
//! used again without a restart.
//!
//! Keys are `<namespace>:v1:<client|probe|rate>:<key>`. A value begins with a byte that tells its
//! version; one of another version reads as absent, so that releases that differ may run side by
//! side.

mod cache;
mod client;
mod config;
mod error;
mod fallback;
mod invalidation;
mod manager;
mod rates;

pub use cache::RedisCache;
pub use client::RedisClient;
pub use config::{ConfigError, RedisConfig, Topology};
pub use fallback::FallbackRateLimiter;
pub use invalidation::RedisInvalidation;
pub use rates::RedisRateLimiter;
