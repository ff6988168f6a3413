//! # menjin-infra-memory
//!
//! What needs no other process: a cache, limits per client network, a queue for records, what is
//! remembered of sessions and tokens, and the system's clock.
//!
//! Everything is bounded, and nothing outlives the process or is shared with another: for several
//! replicas use the adapters for Redis, without which each replica limits and caches for itself.

mod cache;
mod clock;
mod rates;
mod session_cache;
mod shards;
mod tokens;
mod trail;

pub use cache::{MemoryCache, MemoryCacheConfig};
pub use clock::SystemClock;
pub use rates::MemoryRateLimiter;
pub use session_cache::{
    CachedAccounts, CachedCredentials, CachedSessions, Invalidation, SessionCache, Ticket,
};
pub use tokens::CachedTokens;
pub use trail::AuditQueue;
