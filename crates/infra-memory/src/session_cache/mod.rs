//! The session cache: live sessions that were read from the store, kept in this process for a short
//! time.
//!
//! * [`SessionCache`] holds the sessions, and knows which of them have changed since they were
//!   read.
//! * [`CachedSessions`], [`CachedAccounts`] and [`CachedCredentials`] stand between the use cases
//!   and a store. Lookups are answered from the cache. Writes go through to the store, and
//!   invalidate what they change before they are answered.

mod cache;
mod invalidation;
mod stores;

pub use cache::{SessionCache, Ticket};
pub use invalidation::Invalidation;
pub use stores::{
    CachedAccounts, CachedCredentials, CachedFactors, CachedInvitations, CachedOneTimeTokens,
    CachedPasskeys, CachedSessions,
};
