//! What somebody types as their second factor.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

use crate::common::Violation;
use crate::common::readable::typed_digits;
use crate::common::text::nfkc;

/// How many digits a recovery code has: 80 bits.
pub(crate) const RECOVERY_LENGTH: usize = 16;

/// How many digits a code of an authenticator has.
pub(crate) const TOTP_LENGTH: usize = 6;

/// A code as it was typed: six digits of an authenticator, or a recovery code; or what a passkey has answered,
/// wherever a code is asked for. Its debug output shows nothing.
#[derive(Clone)]
pub enum FactorCode {
    /// Of an authenticator.
    Totp(SecretString),
    /// One of the recovery codes, without dashes, in capital letters.
    Recovery(SecretString),
    /// The answer of a passkey, the JSON of `PublicKeyCredential` (WebAuthn Level 3 §5.1).
    Passkey(String),
}

impl FactorCode {
    /// The longest one, in bytes: the answer of a passkey.
    const MAX_BYTES: usize = 16 * 1024;

    /// Reads a code, in any width and case, with `O` for 0 and `I` or `L` for 1, and with or without spaces
    /// and dashes. What begins with a brace is the answer of a passkey.
    ///
    /// # Errors
    /// It is none of them.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        const MAX: usize = 64;
        if text.trim_start().starts_with('{') && text.len() <= Self::MAX_BYTES {
            return Ok(Self::Passkey(text.to_owned()));
        }
        if text.len() > MAX {
            return Err(Violation::NotACode);
        }
        let digits = typed_digits(&nfkc(text)).ok_or(Violation::NotACode)?;
        match digits.len() {
            TOTP_LENGTH if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                Ok(Self::Totp(digits.into()))
            }
            RECOVERY_LENGTH => Ok(Self::Recovery(digits.into())),
            _ => Err(Violation::NotACode),
        }
    }

    /// What was typed, in its one spelling.
    pub fn expose(&self) -> &str {
        match self {
            Self::Totp(code) | Self::Recovery(code) => code.expose_secret(),
            Self::Passkey(answer) => answer,
        }
    }

    /// Whether somebody could guess it: then wrong ones are counted.
    pub(crate) fn is_guessable(&self) -> bool {
        !matches!(self, Self::Passkey(_))
    }
}

impl fmt::Debug for FactorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Totp(_) => "Totp(…)",
            Self::Recovery(_) => "Recovery(…)",
            Self::Passkey(_) => "Passkey(…)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn y2_a_code_is_read_however_it_is_typed() {
        for typed in ["123456", " 123 456 ", "１２３４５６", "123-456", "123\u{2013}456"] {
            let code = FactorCode::parse(typed).unwrap();
            assert!(matches!(&code, FactorCode::Totp(_)) && code.expose() == "123456", "{typed:?}");
        }
        let shown = "0123-4567-89AB-CDEF";
        for typed in [shown, "oi23 4567 89ab cdef", "0l23456789ABCDEF", "０１２３-4567-89ab-cdef"]
        {
            let code = FactorCode::parse(typed).unwrap();
            assert!(matches!(&code, FactorCode::Recovery(_)), "{typed:?}");
            assert_eq!(code.expose(), "0123456789ABCDEF", "{typed:?}");
        }
        let answer = FactorCode::parse(r#" {"id": "0123"}"#).unwrap();
        assert!(matches!(answer, FactorCode::Passkey(_)));
        let long = "1".repeat(99);
        assert!(FactorCode::parse(&format!("{{{}", "1".repeat(FactorCode::MAX_BYTES))).is_err());
        for other in ["", "12345", "1234567", "abcdef", "0123-4567-89AB-CDEU", "١٢٣٤٥٦", &long]
        {
            assert!(FactorCode::parse(other).is_err(), "{other:?}");
        }
        assert!(!format!("{:?}", FactorCode::parse("123456").unwrap()).contains("123456"));
    }
}
