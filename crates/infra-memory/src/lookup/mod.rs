//! The look-up behind every request, kept in process.
//!
//! * [`SessionCopies`] holds what was read of live sessions, for a short time, and knows what has
//!   changed since.
//! * [`CachedSessions`] and [`CachedUsers`] go between the use-cases and a store: look-ups are
//!   answered from the copies, writes go through and invalidate them before they are answered.

mod copies;
mod invalidation;
mod stores;

pub use copies::{SessionCopies, Ticket};
pub use invalidation::Invalidation;
pub use stores::{CachedSessions, CachedUsers};
