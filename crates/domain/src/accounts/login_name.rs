//! What people type into the `username` field when they log in.

use crate::common::Violation;
use crate::common::text;

/// A user name or an e-mail address, in the form in which stores compare it. A text with `@` is an
/// address: no user name contains one.
///
/// An invalid name is not an error: the answer must be the same as for a wrong password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginName {
    /// The canonical form of a user name.
    Username(String),
    /// The canonical form of an e-mail address.
    Email(String),
}

impl LoginName {
    /// Longer than any spelling of a valid name or address. A longer text is not normalised: a
    /// character can expand to eighteen, so that would take long.
    const MAX_BYTES: usize = 4096;

    /// Parses what was typed; white space around it is dropped.
    ///
    /// # Errors
    /// [`Violation::ContainsNul`]: some stores cannot search for such a name.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        if text.contains('\0') {
            return Err(Violation::ContainsNul);
        }
        let text = text.trim();
        if text.len() > Self::MAX_BYTES {
            return Ok(Self::Username(text.to_owned()));
        }
        let canonical = text::canonical(text);
        if !canonical.contains('@') {
            return Ok(Self::Username(canonical));
        }
        // An invalid address belongs to nobody.
        Ok(Self::Email(text::canonical_address(text).unwrap_or(canonical)))
    }

    /// The canonical form of the name or address.
    pub fn canonical(&self) -> &str {
        match self {
            Self::Username(canonical) | Self::Email(canonical) => canonical,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_at_sign_makes_it_an_address() {
        assert_eq!(
            LoginName::parse(" Ann@Example.com "),
            Ok(LoginName::Email("ann@example.com".into()))
        );
        for spelling in ["ann@例子.cn", "ANN＠例子。cn", "ann@xn--fsqu00a.CN"] {
            let canonical = LoginName::Email("ann@xn--fsqu00a.cn".into());
            assert_eq!(LoginName::parse(spelling), Ok(canonical), "{spelling}");
        }
        assert_eq!(LoginName::parse("Ｍｉｋｅ"), Ok(LoginName::Username("mike".into())));
    }

    #[test]
    fn only_nul_is_refused() {
        assert_eq!(LoginName::parse("a\0"), Err(Violation::ContainsNul));
        assert!(LoginName::parse("").is_ok());
        assert!(LoginName::parse(&"x".repeat(60_000)).is_ok());
    }
}
