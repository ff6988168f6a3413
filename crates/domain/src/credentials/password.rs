//! Passwords: chosen, tried and stored ones. None of them prints its content.

use secrecy::{ExposeSecret, SecretString};

use crate::common::text;
use crate::common::{Timestamp, Violation};

/// How long a chosen password may be. The dialects differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordLength {
    /// The least number of characters.
    pub min: usize,
    /// The greatest number of characters.
    pub max: usize,
}

impl PasswordLength {
    /// 8 to 128 characters. NIST SP 800-63B-4 §3.1.1.2 asks for at least 8, and for 64 to be
    /// possible.
    pub const DEFAULT: Self = Self { min: 8, max: 128 };
}

/// For how long a password is good that somebody else has set: its user has to change it in that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstPassword {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment at which it is not good any more.
    pub until: Timestamp,
}

impl FirstPassword {
    /// Whether it is good at this moment.
    pub fn is_good(&self, now: Timestamp) -> bool {
        (self.from..self.until).contains(&now)
    }
}

/// A password that somebody chose, NFC-normalised.
#[derive(Debug, Clone)]
pub struct NewPassword(SecretString);

impl NewPassword {
    /// The greatest number of bytes: 128 characters of any script. A hasher MUST count each of them.
    pub const MAX_BYTES: usize = 512;

    /// Parses a password, counting characters after normalisation.
    ///
    /// # Errors
    /// The length in characters or bytes, or a NUL, at which bcrypt would stop reading.
    pub fn parse(text: &str, length: PasswordLength) -> Result<Self, Violation> {
        if text.contains('\0') {
            return Err(Violation::ContainsNul);
        }
        let normalised = text::nfc(text);
        let characters = normalised.chars().count();
        if characters < length.min {
            return Err(Violation::TooShort { min: length.min });
        }
        if characters > length.max {
            return Err(Violation::TooLong { max: length.max });
        }
        if normalised.len() > Self::MAX_BYTES {
            return Err(Violation::TooManyBytes { max: Self::MAX_BYTES });
        }
        Ok(Self(normalised.into()))
    }

    /// The password itself, for a hasher or a policy.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A password that somebody tries, NFC-normalised, of any length: a password that cannot be right
/// is hashed too, so that the time reveals nothing.
#[derive(Debug, Clone)]
pub struct CandidatePassword(SecretString);

impl CandidatePassword {
    /// Parses a password.
    ///
    /// # Errors
    /// [`Violation::ContainsNul`], at which bcrypt would stop reading.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        if text.contains('\0') {
            return Err(Violation::ContainsNul);
        }
        Ok(Self(text::nfc(text).into()))
    }

    /// The password itself, for a hasher.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// What a store keeps of a password: a string in modular crypt format (`$2b$12$…`).
///
/// It is not checked here: a corrupt hash in a row counts as a wrong password and is not an error.
#[derive(Debug, Clone)]
pub struct PasswordHash(SecretString);

impl PasswordHash {
    /// Takes a hash as a hasher made it, or as a store kept it.
    pub fn new(hash: String) -> Self {
        Self(hash.into())
    }

    /// That of an account without a password: none is right. Its user gets one by a link.
    pub fn none() -> Self {
        Self::new("!".to_owned())
    }

    /// Whether it is [`PasswordHash::none`].
    pub fn is_none(&self) -> bool {
        self.expose() == "!"
    }

    /// The hash itself, for a hasher or a store.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(), Violation> {
        NewPassword::parse(text, PasswordLength::DEFAULT).map(drop)
    }

    #[test]
    fn p5_the_minimum_counts_characters_emoji_included() {
        assert_eq!(parse("1234567"), Err(Violation::TooShort { min: 8 }));
        assert_eq!(parse("😀😀😀😀😀😀😀"), Err(Violation::TooShort { min: 8 }));
        assert_eq!(parse("😀😀😀😀😀😀😀😀"), Ok(()));
        assert_eq!(parse("e\u{301}123456"), Err(Violation::TooShort { min: 8 }));
    }

    #[test]
    fn p2_j16_the_maximum_counts_characters_of_any_script() {
        for character in ["x", "é", "密", "😀"] {
            assert_eq!(parse(&character.repeat(128)), Ok(()), "{character}");
            let longer = parse(&character.repeat(129));
            assert_eq!(longer, Err(Violation::TooLong { max: 128 }), "{character}");
        }
        let unbounded = PasswordLength { min: 1, max: usize::MAX };
        let longer = NewPassword::parse(&"x".repeat(513), unbounded).map(drop);
        assert_eq!(longer, Err(Violation::TooManyBytes { max: 512 }));
    }

    #[test]
    fn p3_nul_is_refused_everywhere() {
        assert_eq!(parse("abcdefgh\0"), Err(Violation::ContainsNul));
        assert!(CandidatePassword::parse("\0").is_err());
    }

    #[test]
    fn p4_composed_and_decomposed_are_one() {
        let chosen = NewPassword::parse("pa\u{df}w\u{f6}rt-lang", PasswordLength::DEFAULT).unwrap();
        let tried = CandidatePassword::parse("pa\u{df}wo\u{308}rt-lang").unwrap();
        assert_eq!(chosen.expose(), tried.expose());
    }

    #[test]
    fn p6_spaces_alone_are_a_password() {
        assert_eq!(parse("        "), Ok(()));
    }

    #[test]
    fn passwords_do_not_print() {
        let password = NewPassword::parse("canary-canary", PasswordLength::DEFAULT).unwrap();
        assert!(!format!("{password:?}").contains("canary"));
        assert!(!format!("{:?}", PasswordHash::new("$2b$canary".into())).contains("canary"));
    }
}
