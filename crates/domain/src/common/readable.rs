//! Codes that people read and type: Crockford's base 32.

use crate::common::text::is_dash;

/// The digits: none is mistaken for another, or makes a word.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The digit of the lower five bits.
pub(crate) fn digit(bits: u8) -> char {
    DIGITS.get(usize::from(bits & 31)).copied().map_or('0', char::from)
}

/// As people read digits: in groups of four.
pub(crate) fn grouped(digits: &str) -> String {
    let digits: Vec<char> = digits.chars().collect();
    let groups = digits.chunks(4).map(|group| group.iter().collect::<String>());
    groups.collect::<Vec<_>>().join("-")
}

/// The digits that somebody has typed, in any case, with `O` for 0 and `I` or `L` for 1, and with or without
/// spaces and dashes. `None`: there is something else in it.
pub(crate) fn typed_digits(text: &str) -> Option<String> {
    let typed = text.chars().filter(|c| !c.is_whitespace() && !is_dash(*c));
    let digits = typed.map(|c| match c.to_ascii_uppercase() {
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        digit => u8::try_from(digit).is_ok_and(|byte| DIGITS.contains(&byte)).then_some(digit),
    });
    digits.collect()
}
