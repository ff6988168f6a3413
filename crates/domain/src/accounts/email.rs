//! E-mail addresses.

use std::fmt;

use email_address::{EmailAddress, Options};

use crate::common::Violation;
use crate::common::text;

/// An e-mail address as typed, and its canonical form, which is unique. The canonical form ignores
/// case and has the domain as DNS knows it. RFC 5321 allows a mail server to distinguish `Ann@`
/// from `ann@`. In practice none does, and people type both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    shown: String,
    canonical: String,
}

impl Email {
    /// The longest path that SMTP carries, less its angle brackets (RFC 5321 §4.5.3.1.3), in bytes.
    pub const MAX_BYTES: usize = 254;

    /// Parses an address of the form `local@domain.tld`.
    ///
    /// # Errors
    /// [`Violation::TooManyBytes`] beyond 254 bytes, else [`Violation::NotAnEmail`]: quoted local
    /// parts, address literals and domains of one label are valid in RFC 5321, but nobody uses
    /// them.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let text = text.trim();
        if text.len() > Self::MAX_BYTES {
            return Err(Violation::TooManyBytes { max: Self::MAX_BYTES });
        }
        let shown = text::typed_address(text);
        let options =
            Options::default().without_domain_literal().without_display_text().with_required_tld();
        let address = EmailAddress::parse_with_options(&without_dots(&shown), options)
            .map_err(|_detail| Violation::NotAnEmail)?;
        if address.local_part().starts_with('"')
            || text::has_whitespace(&shown)
            || text::printable(&shown).is_err()
        {
            return Err(Violation::NotAnEmail);
        }
        let canonical = text::canonical_address(&shown).ok_or(Violation::NotAnEmail)?;
        if canonical.len() > Self::MAX_BYTES {
            return Err(Violation::TooManyBytes { max: Self::MAX_BYTES });
        }
        // A compatibility form of `@` would turn one address into another.
        if canonical.matches('@').count() != 1 {
            return Err(Violation::NotAnEmail);
        }
        Ok(Self { shown, canonical })
    }

    /// Restores a stored value: both forms of an address that [`Email::parse`] accepted.
    pub fn from_stored(shown: String, canonical: String) -> Self {
        Self { shown, canonical }
    }

    /// The address as typed.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// Whether mail to both ends up in one mailbox as far as anybody can tell from here: the domains are
    /// one, and the rest is but for the case of ASCII letters. That is stricter than being one in the
    /// canonical form, which ignores more than mail servers do.
    pub fn is_same_mailbox(&self, other: &Self) -> bool {
        let parts = |email: &Self| {
            let local = email.shown.rsplit_once('@')?.0.to_ascii_lowercase();
            Some((local, email.canonical.rsplit_once('@')?.1.to_owned()))
        };
        parts(self) == parts(other)
    }

    /// The form that MUST be unique in every store.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

/// The address without the dots of its local part: Japanese carriers gave out addresses with dots at
/// the end and next to each other, where RFC 5321 §4.1.2 has none unless they are quoted.
fn without_dots(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{domain}", local.replace('.', "")),
        None => address.to_owned(),
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_one_without_regard_to_case() {
        let (a, b) =
            (Email::parse("Ann@Example.COM").unwrap(), Email::parse("ann@example.com").unwrap());
        assert_eq!(a.canonical(), b.canonical());
        assert_eq!(a.as_str(), "Ann@Example.COM");
    }

    #[test]
    fn q3_an_address_is_another_if_mail_to_it_may_end_up_elsewhere() {
        let is_same =
            |one, other| Email::parse(one).unwrap().is_same_mailbox(&Email::parse(other).unwrap());
        assert!(is_same("Ann@Example.com", "ann@example.COM"));
        assert!(is_same("ann@例子.中国", "ann@xn--fsqu00a.xn--fiqs8s"));
        assert!(is_same("ａｎｎ@example.com", "ann@example.com"));
        assert!(!is_same("ÄNN@example.com", "änn@example.com"), "one in the canonical form");
        assert!(!is_same("ann@example.com", "ann@example.org"));
        assert!(!is_same("ann@example.com", "anna@example.com"));
    }

    /// All spellings in a row are one address; two rows are two addresses.
    #[test]
    fn i4_a_domain_is_one_however_it_is_spelled() {
        let canonical = |text: &str| Email::parse(text).unwrap().canonical().to_owned();
        for spellings in [
            ["ann@例子.中国", "Ann@xn--fsqu00a.xn--fiqs8s", "ANN@XN--FSQU00A.中国"],
            ["ann@bu\u{308}cher.example", "ann@b\u{fc}cher.example", "ann@XN--BCHER-KVA.example"],
            ["ann@ｅｘａｍｐｌｅ.com", "ann@EXAMPLE.com", "ａｎｎ@example.COM"],
        ] {
            let [one, other, third] = spellings.map(canonical);
            assert!(one == other && other == third, "{one}, {other}, {third}");
            assert!(one.is_ascii(), "{one}");
        }
        // Two different domains that look alike.
        assert_ne!(canonical("ann@stra\u{df}e.de"), canonical("ann@strasse.de"));
    }

    #[test]
    fn j15_addresses_are_taken_as_keyboards_and_carriers_have_them() {
        for (typed, shown) in [
            ("zhang＠qq。com", "zhang@qq.com"),
            ("ｚｈａｎｇ＠ｑｑ．ｃｏｍ", "zhang@qq.com"),
            ("zhang。san@qq｡com", "zhang.san@qq.com"),
            ("taro..yamada@docomo.ne.jp", "taro..yamada@docomo.ne.jp"),
            (".taro.@docomo.ne.jp", ".taro.@docomo.ne.jp"),
        ] {
            let email = Email::parse(typed).unwrap();
            assert_eq!(email.as_str(), shown, "{typed}");
            let login = crate::accounts::LoginName::parse(typed).unwrap();
            assert_eq!(login.canonical(), email.canonical(), "the same at login");
        }
        for bad in ["..@docomo.ne.jp", "a@docomo..jp", "a@.jp", "a@b。", "a＠b＠c.jp"] {
            assert_eq!(Email::parse(bad), Err(Violation::NotAnEmail), "{bad}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "ann",
            "ann@",
            "@example.com",
            "ann@example",
            "ann@@example.com",
            "a b@example.com",
            "Ann <ann@example.com>",
            "ann@[127.0.0.1]",
            "\"ann\"@example.com",
            "ann@exa\u{202e}mple.com",
            "ann\0@example.com",
            "ann@example.com\nx",
            "ann＠b@example.com",
            // Invalid in DNS: a label that is too long, and invalid Punycode.
            "ann@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com",
            "ann@xn--zzzzzzzz99999.com",
        ] {
            assert_eq!(Email::parse(text), Err(Violation::NotAnEmail), "{text:?}");
        }
    }

    #[test]
    fn length_is_bounded_in_bytes() {
        let long = format!("ann@{}.com", "a.".repeat(125));
        assert_eq!(Email::parse(&long), Err(Violation::TooManyBytes { max: 254 }));
    }
}
