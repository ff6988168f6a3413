//! The session cache: what was read of live sessions, kept in process for a short time.
//!
//! * [`SessionCache`] holds the sessions and knows what has changed since they were read.
//! * [`CachedSessions`], [`CachedAccounts`] and [`CachedCredentials`] stand between the use-cases and
//!   a store. Lookups are answered from the cache; writes go through, and void what they change before
//!   they are answered.

mod cache;
mod invalidation;
mod stores;

pub use cache::{SessionCache, Ticket};
pub use invalidation::Invalidation;
pub use stores::{CachedAccounts, CachedCredentials, CachedSessions};
