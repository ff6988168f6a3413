//! User names: shown as typed, compared in canonical form.

use std::fmt;

use crate::common::Violation;
use crate::common::text;

/// How many characters a user name may have. Only this rule differs between the dialects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsernameLength {
    /// The least number of characters.
    pub min: usize,
    /// The greatest number of characters.
    pub max: usize,
}

impl UsernameLength {
    /// 3 to 50 characters.
    pub const DEFAULT: Self = Self { min: 3, max: 50 };
}

/// A user name as typed (in NFC), and its canonical form, which is unique.
///
/// Two names are the same if they are equal after compatibility composition (NFKC) and full case
/// folding. So names that differ only in case, width or Unicode form are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username {
    shown: String,
    canonical: String,
}

impl Username {
    /// Parses a name that somebody chose.
    ///
    /// # Errors
    /// The first rule it breaks: length (in characters, of the name and of its canonical form),
    /// NUL, white space within, `@`, a character that cannot be seen, a combining mark at the
    /// start, or scripts that do not go together. A valid name has at least one visible character.
    /// White space around it is dropped.
    pub fn parse(text: &str, length: UsernameLength) -> Result<Self, Violation> {
        // Keyboards add a space after a word.
        let shown = text::nfc(text.trim());
        text::printable(&shown)?;
        in_bounds(&shown, length)?;
        let canonical = text::canonical(&shown);
        // Compatibility forms expand: U+FDFA alone becomes 18 characters, U+FF20 an `@`.
        for form in [&shown, &canonical] {
            if form.contains('@') {
                return Err(Violation::ContainsAt);
            }
            if text::has_whitespace(form) {
                return Err(Violation::ContainsWhitespace);
            }
            if text::begins_with_mark(form) {
                return Err(Violation::ForbiddenCharacter);
            }
        }
        text::printable(&canonical)?;
        if !text::is_of_one_script(&shown) {
            return Err(Violation::MixedScripts);
        }
        if canonical.chars().count() > UsernameLength::DEFAULT.max * 4 {
            return Err(Violation::TooLong { max: length.max });
        }
        Ok(Self { shown, canonical })
    }

    /// Restores a stored value: both forms of a name that [`Username::parse`] accepted.
    pub fn from_stored(shown: String, canonical: String) -> Self {
        Self { shown, canonical }
    }

    /// The name as typed.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// Whether it looks like one of these (UTS 39 §4).
    pub fn looks_like_any(&self, others: &[String]) -> bool {
        let looks = text::looks(&self.shown);
        others.iter().any(|other| text::looks(other).iter().any(|look| looks.contains(look)))
    }

    /// The form that MUST be unique in every store.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

fn in_bounds(text: &str, length: UsernameLength) -> Result<(), Violation> {
    match text.chars().count() {
        n if n < length.min => Err(Violation::TooShort { min: length.min }),
        n if n > length.max => Err(Violation::TooLong { max: length.max }),
        _ => Ok(()),
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Username, Violation> {
        Username::parse(text, UsernameLength::DEFAULT)
    }

    #[test]
    fn i4_case_width_and_unicode_form_do_not_tell_names_apart() {
        for variants in [
            ["Mike", "mike", "Ｍｉｋｅ", "MIKE"],
            ["straße", "STRASSE", "strasse", "ｓtrasse"],
            ["Zo\u{eb}", "zoe\u{308}", "ZO\u{cb}", "ＺＯ\u{cb}"],
        ] {
            let canonical: Vec<String> =
                variants.iter().map(|name| parse(name).unwrap().canonical().to_owned()).collect();
            assert!(canonical.windows(2).all(|pair| pair[0] == pair[1]), "{canonical:?}");
        }
    }

    #[test]
    fn i3_marks_on_letters_and_scripts_that_need_them_are_fine() {
        for name in ["zoe\u{308}", "हिन्दी", "ไทยครับ", "☀☀☀", "___", "123"]
        {
            assert!(parse(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn j15_white_space_around_a_name_is_dropped() {
        for typed in ["mike ", " mike", "\u{3000}mike\t"] {
            assert_eq!(parse(typed).unwrap().as_str(), "mike");
        }
        assert_eq!(parse(" a b "), Err(Violation::ContainsWhitespace));
        assert_eq!(parse(" ab "), Err(Violation::TooShort { min: 3 }));
    }

    #[test]
    fn i4_j15_scripts_that_deceive_together_are_refused() {
        for name in [
            "mike张三",
            "たなかタナカ田中",
            "Kim김철수",
            "ㄅㄆㄇabc",
            "Дмитрий",
            "ΑΒΓ123",
            "a-b_c.d",
        ] {
            assert!(parse(name).is_ok(), "{name}");
        }
        for name in ["раypal", "аdmin", "gοοgle", "김철수たな", "abcДмитрий", "張三Дми"]
        {
            assert_eq!(parse(name), Err(Violation::MixedScripts), "{name}");
        }
    }

    #[test]
    fn a_name_is_shown_as_typed() {
        assert_eq!(parse("Ｍｉｋｅ").unwrap().as_str(), "Ｍｉｋｅ");
        assert_eq!(parse("张三丰").unwrap().as_str(), "张三丰");
    }

    #[test]
    fn length_counts_characters_and_not_bytes() {
        assert_eq!(parse("张三"), Err(Violation::TooShort { min: 3 }));
        assert!(parse(&"张".repeat(50)).is_ok());
        assert_eq!(parse(&"张".repeat(51)), Err(Violation::TooLong { max: 50 }));
    }

    #[test]
    fn i3_what_cannot_be_seen_is_refused() {
        for (name, violation) in [
            ("mi\0ke", Violation::ContainsNul),
            ("mike\u{202e}", Violation::ForbiddenCharacter),
            ("mi\u{200b}ke", Violation::ForbiddenCharacter),
            ("mi\u{200d}ke", Violation::ForbiddenCharacter),
            ("mi\u{ad}ke", Violation::ForbiddenCharacter),
            ("mike\u{3164}", Violation::ForbiddenCharacter),
            ("mi\nke", Violation::ForbiddenCharacter),
            ("mi\u{7f}ke", Violation::ForbiddenCharacter),
            ("mike\u{e000}", Violation::ForbiddenCharacter),
            ("mi\u{2800}ke", Violation::ForbiddenCharacter),
            ("\u{2800}\u{2800}\u{2800}", Violation::ForbiddenCharacter),
            ("mike\u{fffc}", Violation::ForbiddenCharacter),
            ("\u{16fe4}mike", Violation::ForbiddenCharacter),
            ("\u{13441}\u{13442}\u{13441}", Violation::ForbiddenCharacter),
            ("\u{301}\u{301}\u{301}", Violation::ForbiddenCharacter),
            ("\u{301}mike", Violation::ForbiddenCharacter),
            ("\u{20dd}\u{20dd}\u{20dd}", Violation::ForbiddenCharacter),
            ("\u{93e}\u{93e}\u{93e}", Violation::ForbiddenCharacter),
            // A half-width letter that becomes a combining mark in the canonical form.
            ("\u{ff9e}\u{ff9e}\u{ff9e}", Violation::ForbiddenCharacter),
            ("mi ke", Violation::ContainsWhitespace),
            ("mi\u{3000}ke", Violation::ContainsWhitespace),
            ("mi@ke", Violation::ContainsAt),
            ("mi＠ke", Violation::ContainsAt),
        ] {
            assert_eq!(parse(name), Err(violation), "{name:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_canonical_form_is_a_fixed_point(name in "\\PC{3,50}") {
            if let Ok(parsed) = parse(&name) {
                proptest::prop_assert_eq!(text::canonical(parsed.canonical()), parsed.canonical());
            }
        }
    }
}
