//! Unicode rules that several values share.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointSetData;
use icu_properties::props::{
    DefaultIgnorableCodePoint, GeneralCategory, PatternWhiteSpace, WhiteSpace,
};
use icu_properties::{CodePointMapData, props::BidiControl};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use crate::common::Violation;

/// Canonical composition (NFC): one spelling for what looks the same.
pub(crate) fn nfc(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

/// The form in which names are compared: compatibility composition and full case folding
/// (Unicode 3.13, D145 and D147), so that `Mike`, `mike` and `Ｍｉｋｅ` are one.
///
/// After folding, a string may no longer be normalised, and the other way round. A second round is
/// enough for both.
pub(crate) fn canonical(text: &str) -> String {
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let case = CaseMapper::new();
    let once = nfkc.normalize(&case.fold_string(&nfkc.normalize(text))).into_owned();
    nfkc.normalize(&case.fold_string(&once)).into_owned()
}

/// The form in which e-mail addresses are compared: the local part as names are, the domain as DNS
/// knows it (UTS 46, nontransitional), so that `例子.cn` and `xn--fsqu00a.cn` are one. `None` if the
/// text is not an address.
pub(crate) fn canonical_address(text: &str) -> Option<String> {
    let text = ComposingNormalizerBorrowed::new_nfkc().normalize(text);
    let (local, domain) = text.rsplit_once('@')?;
    if domain.len() > MAX_DOMAIN_BYTES {
        return None;
    }
    let domain = Uts46::new().to_ascii(
        domain.as_bytes(),
        AsciiDenyList::URL,
        Hyphens::Allow,
        DnsLength::Verify,
    );
    Some(format!("{}@{}", canonical(local), domain.ok()?))
}

/// 253 characters, the most in DNS, of four bytes each, the most in UTF-8. It bounds the time that
/// a login name takes.
const MAX_DOMAIN_BYTES: usize = 4 * 253;

/// How many line breaks a text may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    One,
    Many,
}

/// Characters that show nothing although Unicode does not call them invisible: U+2800, a braille
/// pattern without dots; U+FFFC, the place of an object; a musical symbol without a head; the
/// fillers of Khitan script and the blanks of hieroglyphs.
const BLANK: [char; 6] =
    ['\u{2800}', '\u{fffc}', '\u{1d159}', '\u{16fe4}', '\u{13441}', '\u{13442}'];

/// Whether a text begins with a combining mark, which has no character to combine with.
pub(crate) fn begins_with_mark(text: &str) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new();
    text.chars().next().is_some_and(|first| {
        matches!(
            category.get(first),
            GeneralCategory::NonspacingMark
                | GeneralCategory::SpacingMark
                | GeneralCategory::EnclosingMark
        )
    })
}

/// Refuses characters that are invisible, that change the direction of text, or that are
/// unassigned. Joiners and variation selectors are refused as default-ignorable: two names that
/// look alike must not differ.
pub(crate) fn printable(text: &str, lines: Lines) -> Result<(), Violation> {
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
            || ((ignorable.contains(c) || BLANK.contains(&c)) && lines == Lines::One);
        // Emoji in running text need U+200D and U+FE0F. Both are invisible, so they are not allowed
        // in names.
        let emoji_glue = lines == Lines::Many && matches!(c, '\u{200d}' | '\u{fe0f}');
        if refused && !emoji_glue {
            return Err(Violation::ForbiddenCharacter);
        }
    }
    Ok(())
}

/// White space of any kind, the pattern kind included.
pub(crate) fn has_whitespace(text: &str) -> bool {
    let white = CodePointSetData::new::<WhiteSpace>();
    let pattern = CodePointSetData::new::<PatternWhiteSpace>();
    text.chars().any(|c| white.contains(c) || pattern.contains(c))
}
