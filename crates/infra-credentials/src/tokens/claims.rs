//! The claims in the form of the token.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use menjin_domain::accounts::Role;
use menjin_domain::common::{InvalidUserId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The claims of `at+jwt`, with the names of RFC 9068 §2.2 and the `sid` of `OpenID` Connect.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Access<'a> {
    #[serde(borrow)]
    pub(super) iss: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) aud: Cow<'a, str>,
    #[serde(with = "text")]
    pub(super) sub: Subject,
    #[serde(with = "text")]
    pub(super) sid: Uuid,
    #[serde(with = "text")]
    pub(super) jti: Uuid,
    pub(super) iat: i64,
    pub(super) exp: i64,
    #[serde(with = "text")]
    pub(super) role: Role,
}

/// The claims of `rt+jwt`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Refresh<'a> {
    #[serde(borrow)]
    pub(super) iss: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) aud: Cow<'a, str>,
    #[serde(with = "text")]
    pub(super) sub: Subject,
    #[serde(with = "text")]
    pub(super) sid: Uuid,
    #[serde(with = "text")]
    pub(super) jti: Uuid,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) r#gen: i64,
}

/// The claims of a ticket.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ticket<'a> {
    #[serde(borrow)]
    pub(super) iss: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) aud: Cow<'a, str>,
    #[serde(with = "text")]
    pub(super) sub: Subject,
    #[serde(with = "text")]
    pub(super) jti: Uuid,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) ver: i64,
}

/// `sub` is a string (RFC 7519 §4.1.2): the id in decimal digits, in its only valid spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subject(pub(super) UserId);

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Subject {
    type Err = InvalidUserId;

    fn from_str(text: &str) -> Result<Self, InvalidUserId> {
        // Refuses `+7` and `007`, which the standard library would read.
        if !text.starts_with(|first: char| matches!(first, '1'..='9')) {
            return Err(InvalidUserId);
        }
        text.parse::<i64>().or(Err(InvalidUserId))?.try_into().map(Self)
    }
}

/// Values that are strings in JSON, parsed without a copy.
mod text {
    use std::fmt;
    use std::marker::PhantomData;
    use std::str::FromStr;

    use serde::de::{Deserializer, Error, Visitor};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(
        value: &impl fmt::Display,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
    where
        D: Deserializer<'de>,
        T: FromStr<Err: fmt::Display>,
    {
        deserializer.deserialize_str(Text(PhantomData))
    }

    struct Text<T>(PhantomData<T>);

    impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }
}
