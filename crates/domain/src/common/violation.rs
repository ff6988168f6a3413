//! Why a value was refused.

/// A rule that a value breaks. Adapters translate it: the domain holds no text for people.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize,
)]
pub enum Violation {
    /// Fewer than `min` characters.
    #[error("shorter than {min} characters")]
    TooShort {
        /// The least number of characters.
        min: usize,
    },
    /// More than `max` characters.
    #[error("longer than {max} characters")]
    TooLong {
        /// The greatest number of characters.
        max: usize,
    },
    /// Fewer than `min` or more than `max` characters, if both bounds are one rule.
    #[error("not {min} to {max} characters long")]
    LengthOutside {
        /// The least number of characters.
        min: usize,
        /// The greatest number of characters.
        max: usize,
    },
    /// More than `max` bytes in UTF-8.
    #[error("longer than {max} bytes")]
    TooManyBytes {
        /// The greatest number of bytes.
        max: usize,
    },
    /// Neither six digits of an authenticator nor a recovery code.
    #[error("is no code")]
    NotACode,
    /// A NUL character (U+0000).
    #[error("contains a NUL character")]
    ContainsNul,
    /// A control, bidirectional, zero-width, blank, unassigned or otherwise unprintable character,
    /// or in a user name a combining mark without a letter before it.
    #[error("contains a character that is not allowed")]
    ForbiddenCharacter,
    /// Letters of scripts that do not go together in a user name: some look like those of another.
    #[error("mixes scripts")]
    MixedScripts,
    /// An `@` in a user name: it would make names and e-mail addresses ambiguous at login.
    #[error("contains an @")]
    ContainsAt,
    /// White space in a user name.
    #[error("contains white space")]
    ContainsWhitespace,
    /// Not an e-mail address (RFC 5321, without quoted local parts and address literals).
    #[error("not an e-mail address")]
    NotAnEmail,
    /// Not an absolute `http` or `https` URL.
    #[error("not an http(s) URL")]
    NotAUrl,
    /// Not a telephone number.
    #[error("not a telephone number")]
    NotAPhone,
    /// Not 1 to 128 of `A-Z a-z 0-9 . _ : -`.
    #[error("not a cache key")]
    NotACacheKey,
    /// No such role.
    #[error("unknown role")]
    UnknownRole,
    /// A role that users cannot choose for themselves.
    #[error("role cannot be chosen at registration")]
    RoleNotRegistrable,
}
