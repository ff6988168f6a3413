//! Where a page begins.

use crate::common::UserId;

/// Where a page of users begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStart {
    /// After this many of those that match.
    Skip(u64),
    /// After this id, whether or not an account has it. Accounts that appear or disappear before it
    /// move nobody from one page to another. The cursor is neither signed nor stored: the last id
    /// of a page is all that the next page needs.
    After(UserId),
}
