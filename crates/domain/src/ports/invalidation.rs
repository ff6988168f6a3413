use async_trait::async_trait;

use crate::ports::PortError;
use crate::values::{SessionId, UserId};

/// Something that a copy may hold has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalidation {
    /// The account, or any of its sessions.
    User(UserId),
    /// The session.
    Session(SessionId),
}

/// Tells other processes what has changed, so that they drop their copies.
///
/// A help, not a promise: a copy has a bounded time to live in any case, and a process that cannot
/// hear MUST NOT use copies at all.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait InvalidationPublisher: Send + Sync {
    /// Returns when all processes that listen have been sent it.
    async fn publish(&self, invalidation: Invalidation) -> Result<(), PortError>;
}
