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
/// Folding can leave a string that is no longer normalised, and normalising one that is no longer
/// folded; the second round settles both.
pub(crate) fn canonical(text: &str) -> String {
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let case = CaseMapper::new();
    let once = nfkc.normalize(&case.fold_string(&nfkc.normalize(text))).into_owned();
    nfkc.normalize(&case.fold_string(&once)).into_owned()
}

/// The form in which e-mail addresses are compared: the local part as names are, the domain as DNS
/// knows it (UTS 46, nontransitional), so that `例子.cn` and `xn--fsqu00a.cn` are one. `None` if it
/// cannot be one.
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

/// Four bytes, the most that UTF-8 has, for each of 253 characters, the most that DNS has. It bounds
/// the time that a log-in name takes.
const MAX_DOMAIN_BYTES: usize = 4 * 253;

/// How many line breaks a text may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    One,
    Many,
}

/// Characters that Unicode does not call invisible and that show nothing all the same: U+2800, a
/// braille pattern without dots; U+FFFC, the place of an object; a musical symbol without a head; the
/// fillers of Khitan script and the blanks of hieroglyphs.
const BLANK: [char; 6] =
    ['\u{2800}', '\u{fffc}', '\u{1d159}', '\u{16fe4}', '\u{13441}', '\u{13442}'];

/// Whether a text begins with a combining mark: there is no character for it to be seen on.
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

/// Refuses characters that are invisible, that move other text about, or that have no meaning yet.
/// Joiners and variation selectors are among the default-ignorable characters: two names that look
/// alike must not differ in them. Letters of different scripts that look alike (Latin and Cyrillic
/// `a`) still make two names: people have to tell these apart.
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
        // Emoji in running text need U+200D and U+FE0F; both are invisible, so names go without.
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
