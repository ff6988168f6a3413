//! Texts for people, in every language that there is.

use menjin_domain::common::Locale;

/// A text without parameters. A translation that is missing does not compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

impl Text {
    /// The text in this language.
    pub fn in_locale(self, locale: Locale) -> &'static str {
        match locale {
            Locale::ZhCn => self.zh,
            Locale::En => self.en,
        }
    }

    /// Whether each text is in its language. A forgotten translation is most often the other text
    /// once more.
    pub fn is_translated(zh: &str, en: &str) -> bool {
        let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        zh.chars().any(is_chinese) && !en.is_empty() && !en.chars().any(is_chinese)
    }
}
