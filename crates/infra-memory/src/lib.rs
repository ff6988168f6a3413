//! # menjin-infra-memory
//!
//! The adapters that need no other process: a cache, limits per client network, a queue for audit
//! records, caches of sessions and verified tokens, and the system's clock.
//!
//! Everything is bounded. Nothing outlives the process or is shared with another process. For
//! several replicas, use the adapters for Redis: without them each replica limits and caches for
//! itself.

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
    CachedAccounts, CachedCredentials, CachedFactors, CachedInvitations, CachedOneTimeTokens,
    CachedPasskeys, CachedSessions, Invalidation, SessionCache, Ticket,
};
pub use tokens::CachedTokens;
pub use trail::AuditQueue;
