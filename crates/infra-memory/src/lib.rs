//! # menjin-infra-memory
//!
//! What needs no other process: a cache, limits per client network, a queue for records, what is
//! remembered of sessions and tokens, and the system's clock.
//!
//! Everything is bounded, and nothing outlives the process or is shared with another: for several
//! replicas use the adapters for Redis, without which each replica limits and caches for itself.

mod cache;
mod clock;
mod lookup;
mod rates;
mod shards;
mod tokens;
mod trail;

pub use cache::{MemoryCache, MemoryCacheConfig};
pub use clock::SystemClock;
pub use lookup::{CachedSessions, CachedUsers, Invalidation, SessionCopies, Ticket};
pub use rates::MemoryRateLimiter;
pub use tokens::RememberedTokens;
pub use trail::AuditQueue;
