//! The cache that clients can use: who may, reading, writing, and a probe of the whole.

mod access;
mod probe_cache;
mod read_entry;
mod write_entry;

pub use access::{CacheAccess, CacheDenied, UnknownAccess};
pub use probe_cache::{ProbeCache, ProbeCacheError};
pub use read_entry::{ReadEntry, ReadEntryError};
pub use write_entry::{EntryTtl, WriteEntry, WriteEntryError};
