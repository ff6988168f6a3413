//! Unicode rules that several values share.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointSetData;
use icu_properties::props::{
    DefaultIgnorableCodePoint, GeneralCategory, PatternWhiteSpace, WhiteSpace,
};
use icu_properties::{CodePointMapData, props::BidiControl};

use super::Violation;

/// Canonical composition (NFC): one spelling for what looks the same.
pub(super) fn nfc(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

/// The form in which names are compared: compatibility composition and full case folding
/// (Unicode 3.13, D145 and D147), so that `Mike`, `mike` and `Ｍｉｋｅ` are one.
///
/// Folding can leave a string that is no longer normalised, and normalising one that is no longer
/// folded; the second round settles both.
pub(super) fn canonical(text: &str) -> String {
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let case = CaseMapper::new();
    let once = nfkc.normalize(&case.fold_string(&nfkc.normalize(text))).into_owned();
    nfkc.normalize(&case.fold_string(&once)).into_owned()
}

/// How many line breaks a text may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    One,
    Many,
}

/// Refuses what is invisible, moves other text about or has no meaning yet. Joiners and variation
/// selectors are among the default-ignorable ones: two names that look alike must not differ.
pub(super) fn printable(text: &str, lines: Lines) -> Result<(), Violation> {
    let category = CodePointMapData::<GeneralCategory>::new();
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let bidi = CodePointSetData::new::<BidiControl>();
    for c in text.chars() {
        match c {
            '\0' => return Err(Violation::ContainsNul),
            '\n' | '\r' | '\t' if lines == Lines::Many => continue,
            _ => {}
        }
        let refused = matches!(
            category.get(c),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::Surrogate
                | GeneralCategory::PrivateUse
                | GeneralCategory::Unassigned
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        ) || bidi.contains(c)
            || (ignorable.contains(c) && lines == Lines::One);
        // Emoji in running text need U+200D and U+FE0F; both are invisible, so names go without.
        let emoji_glue = lines == Lines::Many && matches!(c, '\u{200d}' | '\u{fe0f}');
        if refused && !emoji_glue {
            return Err(Violation::ForbiddenCharacter);
        }
    }
    Ok(())
}

/// White space of any kind, the pattern kind included.
pub(super) fn has_whitespace(text: &str) -> bool {
    let white = CodePointSetData::new::<WhiteSpace>();
    let pattern = CodePointSetData::new::<PatternWhiteSpace>();
    text.chars().any(|c| white.contains(c) || pattern.contains(c))
}
