//! The optional parts of a profile. An empty text means no value, since forms send it for "not
//! given".

use crate::common::Violation;
use crate::common::text;

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

text_value! {
    /// Why somebody is banned: up to [`BanReason::MAX`] characters.
    BanReason
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
        text::personal(&text, false)?;
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
        text::personal(&text, false)?;
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
        // A character can expand to eighteen: a long text is not normalised.
        if text.chars().count() > 4 * Self::MAX {
            return Err(Violation::TooLong { max: Self::MAX });
        }
        let Some(text) = given(&as_dialled(text), Self::MAX)? else { return Ok(None) };
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
        text::personal(&text, true)?;
        Ok(Some(Self(text)))
    }
}

impl BanReason {
    /// The greatest number of characters.
    pub const MAX: usize = 500;

    /// Parses a text; empty is `None`.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(text: &str) -> Result<Option<Self>, Violation> {
        let Some(text) = given(text, Self::MAX)? else { return Ok(None) };
        text::personal(&text, true)?;
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
            || text::printable(&text).is_err()
        {
            return Err(Violation::NotAUrl);
        }
        Ok(Some(Self(text)))
    }
}

/// A number without what contact lists put around and into it: marks of direction, digits of full
/// width, spaces and dashes of any kind.
fn as_dialled(text: &str) -> String {
    let plain = |c: char| match c {
        c if text::is_ignorable(c) => None,
        c if c.is_whitespace() => Some(' '),
        c if text::is_dash(c) => Some('-'),
        c => Some(c),
    };
    text::nfkc(text).chars().filter_map(plain).collect()
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
    fn i3_j15_names_have_what_their_languages_need_and_nothing_that_deceives() {
        for good in [
            "می\u{200c}خواهم",
            "کتاب\u{200c}ها",
            "क्\u{200d}ष",
            "क्\u{200c}ष",
            "葛\u{e0100}城",
            "❤\u{fe0f}",
            "👩\u{200d}🚀",
            "👩🏽\u{200d}⚕\u{fe0f}",
            "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
            "\u{200f}שלום\u{200e}",
            "Zoë O’Neil-García, Jr.",
        ] {
            assert!(FullName::parse(good).is_ok_and(|name| name.is_some()), "{good:?}");
        }
        for bad in [
            "a\u{200c}b",
            "a\u{200d}b",
            "\u{200d}a",
            "❤\u{fe0f}\u{fe0f}",
            "\u{fe0f}a",
            "a \u{fe0f}",
            "🚀\u{200d}",
            "🚀\u{200d}a",
            "🏴\u{e0075}\u{e0073}\u{e007f}",
            "a\u{e0061}",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{200b}b",
            "a\u{ad}b",
            "\u{200f}\u{200e}",
            "\u{2800}",
            "\u{3164}",
            "a\u{7f}",
            "a\u{e000}",
        ] {
            assert_eq!(FullName::parse(bad), Err(Violation::ForbiddenCharacter), "{bad:?}");
        }
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
            assert_eq!(Phone::parse(good).unwrap().unwrap().as_str(), good);
        }
        // As contact lists, keyboards and spreadsheets have them.
        for (written, expected) in [
            ("\u{202a}+86 138\u{2011}0013\u{2011}8000\u{202c}", "+86 138-0013-8000"),
            ("＋８６　１３８００１３８０００", "+86 13800138000"),
            ("\u{200e}138\u{a0}0013–8000\u{feff}", "138 0013-8000"),
            ("（０１０）６５５２−９９８８", "(010)6552-9988"),
        ] {
            assert_eq!(Phone::parse(written).unwrap().unwrap().as_str(), expected, "j15");
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
