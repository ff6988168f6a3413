//! Where a page begins.

use crate::common::UserId;

/// Where a page of users begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStart {
    /// After this many of those that match.
    Skip(u64),
    /// After this id, whether anybody has it or not. Who comes or goes before it moves nobody from
    /// one page to another.
    After(UserId),
}
