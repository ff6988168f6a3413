//! Identifiers and counters.

use std::fmt;

/// The id of a user: 1 to 2⁶³ − 1, given by the store in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(i64);

/// The number is not a possible user id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a user id is an integer from 1 to 2^63 - 1")]
pub struct InvalidUserId;

impl UserId {
    /// The id of the first account of a store.
    pub const FIRST: Self = Self(1);

    /// The id as stores and clients see it.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for UserId {
    type Error = InvalidUserId;

    fn try_from(id: i64) -> Result<Self, InvalidUserId> {
        if id >= 1 { Ok(Self(id)) } else { Err(InvalidUserId) }
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of a session: 128 bits from [`crate::common::Random`], so that it cannot be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub uuid::Uuid);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
