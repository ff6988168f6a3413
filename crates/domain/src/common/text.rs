//! Unicode rules that several values share.

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::CodePointMapData;
use icu_properties::CodePointSetData;
use icu_properties::props::{
    BidiControl, CanonicalCombiningClass, Dash, DefaultIgnorableCodePoint, EmojiModifier,
    ExtendedPictographic, GeneralCategory, JoiningType, PatternWhiteSpace, Script,
    VariationSelector, WhiteSpace,
};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_security::MixedScript as _;
use unicode_security::mixed_script::AugmentedScriptSet;

use crate::common::Violation;

/// Canonical composition (NFC): one spelling for what looks the same.
pub(crate) fn nfc(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

/// Compatibility composition (NFKC): plain characters for those of full width and the like.
pub(crate) fn nfkc(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text).into_owned()
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

/// The text without its accents and other marks above and below letters, in canonical and compatibility
/// decomposition.
pub(crate) fn without_marks(text: &str) -> String {
    let categories = CodePointMapData::<GeneralCategory>::new();
    let is_mark = |c: &char| categories.get(*c) == GeneralCategory::NonspacingMark;
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    decomposed.chars().filter(|c| !is_mark(c)).collect()
}

/// The form in which e-mail addresses are compared: the local part as names are, the domain as DNS
/// knows it (UTS 46, nontransitional), so that `例子.cn` and `xn--fsqu00a.cn` are one. `None` if the
/// text is not an address.
pub(crate) fn canonical_address(text: &str) -> Option<String> {
    let text = typed_address(text);
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
pub(crate) fn printable(text: &str) -> Result<(), Violation> {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let bidi = CodePointSetData::new::<BidiControl>();
    for c in text.chars() {
        if c == '\0' {
            return Err(Violation::ContainsNul);
        }
        if is_never_shown(c) || bidi.contains(c) || ignorable.contains(c) || BLANK.contains(&c) {
            return Err(Violation::ForbiddenCharacter);
        }
    }
    Ok(())
}

/// Yes or no, as people write it in tables.
pub(crate) fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" | "是" => Some(true),
        "false" | "f" | "no" | "n" | "0" | "否" => Some(false),
        _ => None,
    }
}

/// Refuses what deceives in a text about a person, and takes what names and languages need: joiners
/// between letters that join and in emoji, a variation selector after its base, the flags that are
/// written with tags, and the marks of direction U+200E and U+200F. At least one character shows.
///
/// Overrides and isolates of direction are refused: they make a text read as another one (UTS 55).
pub(crate) fn personal(text: &str, may_have_lines: bool) -> Result<(), Violation> {
    if text.contains('\0') {
        return Err(Violation::ContainsNul);
    }
    let without_flags = FLAGS.iter().fold(text.to_owned(), |text, flag| text.replace(flag, "🏴"));
    let characters: Vec<char> = without_flags.chars().collect();
    let bidi = CodePointSetData::new::<BidiControl>();
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let white = CodePointSetData::new::<WhiteSpace>();
    let mut shows_something = false;
    for (at, c) in characters.iter().copied().enumerate() {
        let (before, after) = characters.split_at(at);
        let after = after.get(1..).unwrap_or_default();
        let is_fine = match c {
            '\n' | '\r' | '\t' => may_have_lines,
            '\u{200e}' | '\u{200f}' => true,
            '\u{200c}' => joins_letters(before, after),
            '\u{200d}' => joins_letters(before, after) || joins_emoji(before, after),
            c if is_variation_selector(c) => {
                before.last().is_some_and(|base| is_shown(*base) && !base.is_whitespace())
            }
            c => !(is_never_shown(c) || bidi.contains(c) || ignorable.contains(c)),
        };
        if !is_fine {
            return Err(Violation::ForbiddenCharacter);
        }
        shows_something |= is_shown(c) && !white.contains(c);
    }
    if shows_something { Ok(()) } else { Err(Violation::ForbiddenCharacter) }
}

/// The flags that are written with tags: those of England, Scotland and Wales (UTS 51, ED-14a).
const FLAGS: [&str; 3] = [
    "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "🏴\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

/// Whether no text needs this character: controls, private and unassigned ones, and formats other
/// than joiners and marks of direction.
fn is_never_shown(c: char) -> bool {
    matches!(
        CodePointMapData::<GeneralCategory>::new().get(c),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::Surrogate
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    )
}

fn is_shown(c: char) -> bool {
    !is_never_shown(c)
        && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        && !BLANK.contains(&c)
}

fn is_variation_selector(c: char) -> bool {
    CodePointSetData::new::<VariationSelector>().contains(c)
}

/// Whether a joiner stands at a letter that joins: of a cursive script, or after a virama (RFC 5892,
/// appendix A.1 and A.2; Persian also writes it at the end of a word).
fn joins_letters(before: &[char], after: &[char]) -> bool {
    let kinds = CodePointMapData::<JoiningType>::new();
    let classes = CodePointMapData::<CanonicalCombiningClass>::new();
    let joins = |c: Option<&char>| {
        c.is_some_and(|c| {
            !matches!(kinds.get(*c), JoiningType::NonJoining | JoiningType::Transparent)
        })
    };
    let is_mark = |c: &&char| kinds.get(**c) == JoiningType::Transparent && is_shown(**c);
    let letter = before.iter().rev().find(|c| !is_mark(c));
    let is_virama =
        before.last().is_some_and(|c| classes.get(*c) == CanonicalCombiningClass::Virama);
    is_virama || (joins(letter) && after.first() != Some(&'\u{200c}')) || joins(after.first())
}

/// Whether a joiner makes one emoji of two.
fn joins_emoji(before: &[char], after: &[char]) -> bool {
    let pictures = CodePointSetData::new::<ExtendedPictographic>();
    let modifiers = CodePointSetData::new::<EmojiModifier>();
    let is_dressing = |c: &&char| is_variation_selector(**c) || modifiers.contains(**c);
    let base = before.iter().rev().find(|c| !is_dressing(c));
    base.is_some_and(|c| pictures.contains(*c))
        && after.first().is_some_and(|c| pictures.contains(*c))
}

/// Whether a name is of one script, or of Latin with Han, kana, hangul or bopomofo (UTS 39 §5.2,
/// "highly restrictive"): `раypal` with two Cyrillic letters is not.
pub(crate) fn is_of_one_script(name: &str) -> bool {
    let scripts = CodePointMapData::<Script>::new();
    let others: String = name.chars().filter(|c| scripts.get(*c) != Script::Latin).collect();
    let others = AugmentedScriptSet::for_str(&others);
    name.is_single_script() || others.jpan || others.kore || others.hanb
}

/// What a name looks like, in capital and in small letters: names with a common skeleton are
/// confusable (UTS 39 §4).
pub(crate) fn looks(name: &str) -> [String; 2] {
    let skeleton = |name: &str| unicode_security::skeleton(name).collect::<String>();
    let as_typed = skeleton(&nfkc(name));
    [&*as_typed, name].map(|name| skeleton(&canonical(name)))
}

/// An address as it was meant: a keyboard for Chinese types `＠` and `。`, and letters of full width.
pub(crate) fn typed_address(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text).replace('。', ".")
}

/// Whether a character is to be ignored where it is not known: joiners, marks of direction, fillers.
pub(crate) fn is_ignorable(c: char) -> bool {
    let bidi = CodePointSetData::new::<BidiControl>();
    bidi.contains(c) || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether a character is a dash of any kind, or the minus sign.
pub(crate) fn is_dash(c: char) -> bool {
    CodePointSetData::new::<Dash>().contains(c)
}

/// White space of any kind, the pattern kind included.
pub(crate) fn has_whitespace(text: &str) -> bool {
    let white = CodePointSetData::new::<WhiteSpace>();
    let pattern = CodePointSetData::new::<PatternWhiteSpace>();
    text.chars().any(|c| white.contains(c) || pattern.contains(c))
}

/// Hexadecimal digits, in lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    halves.filter_map(|half| char::from_digit(half.into(), 16)).collect()
}
