//! The optional parts of a profile. An empty text means no value, since forms send it for "not
//! given".

use crate::common::Violation;
use crate::common::text::{self, Lines};

macro_rules! text_value {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// Restores a stored value.
            pub fn from_stored(text: String) -> Self {
                Self(text)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

text_value! {
    /// A person's name: up to [`FullName::MAX`] characters on one line.
    FullName
}

text_value! {
    /// A telephone number as people write one: digits, spaces, `+ - ( ) . / # * x`, 3 to 32
    /// characters and at least 3 digits. menjin never dials it, so no numbering plan is checked.
    Phone
}

text_value! {
    /// Some lines about oneself: up to [`Bio::MAX`] characters.
    Bio
}

text_value! {
    /// The absolute `http` or `https` URL of a picture: up to [`AvatarUrl::MAX`] characters.
    AvatarUrl
}

impl FullName {
    /// The greatest number of characters.
    pub const MAX: usize = 100;

    /// Parses a name; empty is `None`.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(text: &str) -> Result<Option<Self>, Violation> {
        let Some(text) = given(text, Self::MAX)? else { return Ok(None) };
        text::printable(&text, Lines::One)?;
        Ok(Some(Self(text)))
    }

    /// Parses a required name of `min` to `max` characters.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse_within(text: &str, min: usize, max: usize) -> Result<Self, Violation> {
        let text = text::nfc(text.trim());
        if !(min..=max).contains(&text.chars().count()) {
            return Err(Violation::LengthOutside { min, max });
        }
        text::printable(&text, Lines::One)?;
        Ok(Self(text))
    }
}

impl Phone {
    /// The greatest number of characters.
    pub const MAX: usize = 32;

    /// Parses a number; empty is `None`.
    ///
    /// # Errors
    /// [`Violation::TooLong`] or [`Violation::NotAPhone`].
    pub fn parse(text: &str) -> Result<Option<Self>, Violation> {
        let Some(text) = given(text, Self::MAX)? else { return Ok(None) };
        let digits = text.chars().filter(char::is_ascii_digit).count();
        if digits < 3 || !text.chars().all(|c| c.is_ascii_digit() || " +-().#/*x".contains(c)) {
            return Err(Violation::NotAPhone);
        }
        Ok(Some(Self(text)))
    }
}

impl Bio {
    /// The greatest number of characters.
    pub const MAX: usize = 1000;

    /// Parses a text; empty is `None`.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(text: &str) -> Result<Option<Self>, Violation> {
        let Some(text) = given(text, Self::MAX)? else { return Ok(None) };
        text::printable(&text, Lines::Many)?;
        Ok(Some(Self(text)))
    }
}

impl AvatarUrl {
    /// The greatest number of characters.
    pub const MAX: usize = 500;

    /// Parses an absolute URL; empty is `None`. Schemes that run code (`javascript:`, `data:`) are
    /// always refused, since front ends put the URL into `src`.
    ///
    /// # Errors
    /// [`Violation::TooLong`] or [`Violation::NotAUrl`].
    pub fn parse(text: &str) -> Result<Option<Self>, Violation> {
        let Some(text) = given(text, Self::MAX)? else { return Ok(None) };
        let rest = ["https://", "http://"]
            .iter()
            .find_map(|scheme| strip_prefix_ignoring_case(&text, scheme));
        let host_given =
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '['));
        if !host_given
            || text::has_whitespace(&text)
            || text.contains(['"', '<', '>', '\\', '^', '`', '{', '|', '}'])
            || text::printable(&text, Lines::One).is_err()
        {
            return Err(Violation::NotAUrl);
        }
        Ok(Some(Self(text)))
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    if head.eq_ignore_ascii_case(prefix) { text.get(prefix.len()..) } else { None }
}

fn given(text: &str, max: usize) -> Result<Option<String>, Violation> {
    if text.contains('\0') {
        return Err(Violation::ContainsNul);
    }
    let text = text::nfc(text.trim());
    if text.chars().count() > max {
        return Err(Violation::TooLong { max });
    }
    Ok((!text.is_empty()).then_some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_not_given() {
        assert_eq!(FullName::parse("  "), Ok(None));
        assert_eq!(Phone::parse(""), Ok(None));
        assert_eq!(Bio::parse(""), Ok(None));
        assert_eq!(AvatarUrl::parse(""), Ok(None));
    }

    #[test]
    fn a_bio_may_have_lines_and_emoji_a_name_may_not() {
        assert!(Bio::parse("one\ntwo 👩\u{200d}🚀 ❤\u{fe0f}").is_ok());
        assert_eq!(FullName::parse("one\ntwo"), Err(Violation::ForbiddenCharacter));
        assert_eq!(Bio::parse("a\u{202e}b"), Err(Violation::ForbiddenCharacter));
        assert_eq!(Bio::parse(&"x".repeat(1001)), Err(Violation::TooLong { max: 1000 }));
    }

    #[test]
    fn only_web_urls_are_pictures() {
        for good in [
            "https://example.com/a.png",
            "HTTP://example.com",
            "https://例子.cn/图.png",
            "http://[::1]/a",
        ] {
            assert!(AvatarUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//example.com",
            "https://",
            "https:///x",
            "ftp://x",
            "https://a b",
            "https://x\"onload=1",
            "图https",
        ] {
            assert_eq!(AvatarUrl::parse(bad), Err(Violation::NotAUrl), "{bad}");
        }
    }

    #[test]
    fn phones_are_what_people_write() {
        for good in ["13800138000", "+86 138-0013-8000", "(010) 6552 9988", "110"] {
            assert!(Phone::parse(good).is_ok(), "{good}");
        }
        for bad in ["phone", "12", "+-()", "138;DROP"] {
            assert_eq!(Phone::parse(bad), Err(Violation::NotAPhone), "{bad}");
        }
    }

    #[test]
    fn a_name_within_bounds_counts_characters() {
        assert!(FullName::parse_within("张三", 2, 10).is_ok());
        assert_eq!(
            FullName::parse_within("张", 2, 10),
            Err(Violation::LengthOutside { min: 2, max: 10 })
        );
    }
}
