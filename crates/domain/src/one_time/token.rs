//! One-time tokens: what a link in a mail proves.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::common::readable::{digit, grouped, typed_digits};
use crate::common::text::{hex, nfkc};
use crate::common::{PortError, Violation};

/// What a token is for. A token of one purpose is unknown to every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Proving that an address is one's own.
    VerifyEmail,
    /// Choosing a new password without the old one.
    ResetPassword,
    /// Giving an account the address that the token was sent to.
    ChangeEmail,
    /// Giving an account the address back that it had before.
    UndoEmailChange,
    /// Accepting an invitation, which is in a store of its own.
    Invitation,
}

impl Purpose {
    /// One of each.
    pub const ALL: [Self; 5] = [
        Self::VerifyEmail,
        Self::ResetPassword,
        Self::ChangeEmail,
        Self::UndoEmailChange,
        Self::Invitation,
    ];

    /// The name in stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::ChangeEmail => "change_email",
            Self::UndoEmailChange => "undo_email_change",
            Self::Invitation => "invitation",
        }
    }
}

/// How many digits a code has: 60 bits.
const CODE_LENGTH: usize = 12;

/// A token: 256 bits in base64url (43 characters), or a code of 60 bits that can be read aloud
/// (`7ZKM-0Q4B-XW9D`). It is never printed and never stored; stores hold
/// its [`TokenDigest`].
#[derive(Clone)]
pub struct OneTimeToken(SecretString);

impl OneTimeToken {
    /// The number of characters.
    pub const LENGTH: usize = 43;

    /// The token of these bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes).into())
    }

    /// Takes what a client sends; white space around it is dropped, as copying from a mail adds it.
    /// What is no token of ours is like one that nobody knows.
    ///
    /// # Errors
    /// [`Violation::TooLong`] for a text that is far too long.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let text = text.trim();
        let max = 4 * Self::LENGTH;
        if text.chars().count() > max {
            return Err(Violation::TooLong { max });
        }
        Ok(Self(code_of(text).unwrap_or_else(|| text.to_owned()).into()))
    }

    /// The code of the lower 60 of these bits.
    pub fn code(bits: u64) -> Self {
        let nth = |nth: usize| digit(u8::try_from((bits >> (5 * nth)) & 31).unwrap_or_default());
        let digits: String = (0..CODE_LENGTH).map(nth).collect();
        Self(grouped(&digits).into())
    }

    /// Whether it is a code, which is easier to guess than the others.
    pub fn is_code(&self) -> bool {
        code_of(self.expose()).is_some()
    }

    /// The token, for a link or an answer.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What stores know it by.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(hex(&Sha256::digest(self.expose().as_bytes())))
    }
}

/// The code that somebody has typed; `None` if it is none.
fn code_of(text: &str) -> Option<String> {
    let digits = typed_digits(&nfkc(text))?;
    (digits.len() == CODE_LENGTH).then(|| grouped(&digits))
}

impl fmt::Debug for OneTimeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeToken(…)")
    }
}

/// SHA-256 of a token, in hexadecimal. A token has 256 random bits, so nobody finds it from its
/// digest, and no salt or slow hash is needed (NIST SP 800-63B-4 §3.1.2.2).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TokenDigest(String);

impl TokenDigest {
    /// Restores a stored value.
    pub fn from_stored(digest: String) -> Self {
        Self(digest)
    }

    /// The digest as stores hold it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(…)")
    }
}

/// From what the token of a mail is made each time that the mail is sent, so that no store holds the
/// token itself: random bytes, and the id of the key that was in use.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSeed {
    /// 32 random bytes, in hexadecimal.
    pub random: String,
    /// Which of the keys.
    pub key_id: String,
}

impl fmt::Debug for TokenSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSeed").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// Makes the tokens of mails.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait TokenMaker: Send + Sync {
    /// A new seed, of the current key.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    fn seed(&self) -> Result<TokenSeed, PortError>;

    /// The token of a seed for a purpose: always the same one. `None` if the key is no longer known.
    fn token(&self, seed: &TokenSeed, purpose: Purpose) -> Option<OneTimeToken>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k1_a_token_has_256_bits_and_prints_nothing_of_itself() {
        let token = OneTimeToken::from_bytes(&[7; 32]);
        assert_eq!(token.expose().len(), OneTimeToken::LENGTH);
        let digest = token.digest();
        assert_eq!(digest.as_str().len(), 64);
        let shown = format!("{token:?} {digest:?}");
        assert!(!shown.contains(token.expose()) && !shown.contains(digest.as_str()), "{shown}");
        let copied = OneTimeToken::parse(&format!(" {}\r\n", token.expose())).unwrap();
        assert_eq!(copied.digest(), digest);
        assert_ne!(OneTimeToken::from_bytes(&[8; 32]).digest(), digest);
        assert!(OneTimeToken::parse(&"x".repeat(173)).is_err());
    }

    #[test]
    fn n3_a_code_is_one_however_it_is_typed() {
        let code = OneTimeToken::code(0x0123_4567_89ab_cdef);
        let shown = code.expose().to_owned();
        assert_eq!(shown.len(), 14, "{shown}");
        assert!(code.is_code() && shown.is_ascii() && !shown.contains(['I', 'L', 'O', 'U']));
        let bare = shown.replace('-', "");
        for typed in [
            shown.to_lowercase(),
            bare.clone(),
            bare.replace('0', "o").replace('1', "l"),
            format!(" {} {} {} ", &bare[..4], &bare[4..8], &bare[8..]),
            bare.replace('9', "９").replace('A', "ａ"),
        ] {
            let parsed = OneTimeToken::parse(&typed).unwrap();
            assert_eq!(parsed.digest(), code.digest(), "{typed}");
        }
        for other in [&bare[1..], "0123-4567-89A!", "0123-4567-89AU", "", &format!("{bare}0")] {
            assert!(!OneTimeToken::parse(other).unwrap().is_code(), "{other}");
        }
        assert!(!OneTimeToken::from_bytes(&[7; 32]).is_code());
        assert_ne!(OneTimeToken::code(1).digest(), OneTimeToken::code(2).digest());
    }
}
