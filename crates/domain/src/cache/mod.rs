//! The cache for clients, and who may use it.

mod access;
mod key;
mod port;
mod probe_cache;
mod read_entry;
mod write_entry;

pub use access::{CacheAccess, CacheAllowed, CacheDenied, UnknownAccess};
pub use key::CacheKey;
#[cfg(feature = "mock")]
pub use port::MockCache;
pub(crate) use port::NoCache;
pub use port::{Cache, CacheNamespace, CacheSlot, CachedValue};
pub use probe_cache::{CacheMismatch, ProbeCache};
pub use read_entry::{EntryNotFound, ReadEntry};
pub use write_entry::{EntryTooLarge, EntryTtl, WriteEntry};
