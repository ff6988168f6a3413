//! Where a request came from, as records name it.

use std::fmt;

use crate::common::{ClientInfo, ClientNetwork};

/// The id by which a request is found in the log: 1 to 64 of `A-Z a-z 0-9 - _ .`, so that an id
/// from outside cannot forge a line there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(String);

/// The text is not a valid request id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a request id is 1 to 64 of A-Z a-z 0-9 - _ .")]
pub struct InvalidRequestId;

impl RequestId {
    /// The greatest number of characters.
    pub const MAX: usize = 64;

    /// Parses an id.
    ///
    /// # Errors
    /// [`InvalidRequestId`].
    pub fn parse(text: &str) -> Result<Self, InvalidRequestId> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if (1..=Self::MAX).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRequestId)
        }
    }

    /// The id as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<uuid::Uuid> for RequestId {
    fn from(id: uuid::Uuid) -> Self {
        Self(id.to_string())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where something comes from: a client, in one of its requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContext {
    /// The client.
    pub client: ClientInfo,
    /// The request; `None` where there is none, as on the command line.
    pub request_id: Option<RequestId>,
}

impl RequestContext {
    /// The process itself: the command line, an embedding service.
    pub fn local() -> Self {
        ClientInfo::local().into()
    }

    /// The network that limits count by.
    pub fn network(&self) -> ClientNetwork {
        self.client.network()
    }
}

impl From<ClientInfo> for RequestContext {
    fn from(client: ClientInfo) -> Self {
        Self { client, request_id: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s2_only_harmless_ids_pass() {
        for good in ["a", "proxy-1.a_B", &"x".repeat(64)] {
            assert_eq!(RequestId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a\r\nb", "\u{1b}[31m", "é", "{}", &"x".repeat(65)] {
            assert_eq!(RequestId::parse(bad), Err(InvalidRequestId), "{bad:?}");
        }
        let id = RequestId::from(uuid::Uuid::nil());
        assert_eq!(RequestId::parse(id.as_str()), Ok(id));
    }
}
