//! Passwords: chosen, tried and stored ones. None of them prints its content.

use secrecy::{ExposeSecret, SecretString};

use crate::common::Violation;
use crate::common::text;

/// How long a chosen password may be. The dialects differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordLength {
    /// The least number of characters.
    pub min: usize,
    /// The greatest number of characters, if the dialect has such a limit.
    pub max: Option<usize>,
}

impl PasswordLength {
    /// 8 characters (NIST SP 800-63B-4 §3.1.1.2) to [`NewPassword::MAX_BYTES`].
    pub const DEFAULT: Self = Self { min: 8, max: None };
}

/// A password that somebody chose, NFC-normalised.
#[derive(Debug, Clone)]
pub struct NewPassword(SecretString);

impl NewPassword {
    /// bcrypt reads 72 bytes including the terminating NUL, and silently ignores the rest.
    pub const MAX_BYTES: usize = 71;

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
        match length.max {
            Some(max) if characters < length.min || characters > max => {
                return Err(Violation::LengthOutside { min: length.min, max });
            }
            _ if characters < length.min => return Err(Violation::TooShort { min: length.min }),
            _ => {}
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
    fn p2_what_bcrypt_would_cut_is_refused() {
        assert_eq!(parse(&"x".repeat(71)), Ok(()));
        for bytes in [72, 73, 200] {
            assert_eq!(parse(&"x".repeat(bytes)), Err(Violation::TooManyBytes { max: 71 }));
        }
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
    fn a_dialect_with_two_bounds_names_both() {
        let envelope = PasswordLength { min: 6, max: Some(20) };
        for text in ["12345", "123456789012345678901"] {
            assert_eq!(
                NewPassword::parse(text, envelope).map(drop),
                Err(Violation::LengthOutside { min: 6, max: 20 })
            );
        }
        assert!(NewPassword::parse(&"密".repeat(20), envelope).is_ok(), "60 bytes");
        assert_eq!(
            NewPassword::parse(&"😀".repeat(20), envelope).map(drop),
            Err(Violation::TooManyBytes { max: 71 }),
        );
    }

    #[test]
    fn passwords_do_not_print() {
        let password = NewPassword::parse("canary-canary", PasswordLength::DEFAULT).unwrap();
        assert!(!format!("{password:?}").contains("canary"));
        assert!(!format!("{:?}", PasswordHash::new("$2b$canary".into())).contains("canary"));
    }
}
