//! Where a page begins.

use crate::common::UserId;

/// Where a page of users begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStart {
    /// After this many of those that match.
    Skip(u64),
    /// After this id, whether or not a user has it. New or removed users before it do not shift the
    /// page.
    After(UserId),
}
