//! What a change invalidates, and how other processes are told.

use menjin_domain::common::{SessionId, UserId};

/// What has changed, where a cached session may show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalidation {
    /// An account, or any of its sessions.
    User(UserId),
    /// A session.
    Session(SessionId),
}

impl Invalidation {
    /// The message for the channel to other processes: a letter and the id.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::User(id) => [b"u".as_slice(), &id.get().to_be_bytes()].concat(),
            Self::Session(id) => [b"s".as_slice(), id.0.as_bytes()].concat(),
        }
    }

    /// `None` for a message that this release does not know.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (b'u', id) => {
                let id = i64::from_be_bytes(id.try_into().ok()?);
                Some(Self::User(UserId::try_from(id).ok()?))
            }
            (b's', id) => Some(Self::Session(SessionId(uuid::Uuid::from_slice(id).ok()?))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_is_heard() {
        let session = Invalidation::Session(SessionId(uuid::Uuid::from_u128(7)));
        for told in [Invalidation::User(UserId::FIRST), session] {
            assert_eq!(Invalidation::from_bytes(&told.to_bytes()), Some(told));
        }
        for unknown in [&b""[..], b"u", b"u12345678x", b"s123", b"x12345678", b"u\0\0\0\0\0\0\0\0"]
        {
            assert_eq!(Invalidation::from_bytes(unknown), None, "{unknown:?}");
        }
    }
}
