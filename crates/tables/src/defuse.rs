//! Formulas in cells: what a spreadsheet would run is written as text.

use std::borrow::Cow;

/// What makes a spreadsheet take a cell for a formula, in half and in full width; and what some of them
/// drop before they look.
const DANGEROUS: [char; 11] =
    ['=', '+', '-', '@', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}', '\t', '\r', '\n'];

/// Adds a quote mark `'` to a cell that a spreadsheet would take for a formula, and to one that looks as
/// if it had been added already: [`undefuse`] gives back every cell.
pub fn defuse(cell: &str) -> Cow<'_, str> {
    if cell.trim_start_matches('\'').starts_with(DANGEROUS) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

/// Takes away the quote mark that [`defuse`] added, if it did.
pub fn undefuse(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(DANGEROUS) => rest,
        _ => cell,
    }
}

/// A cell of a file as it is meant: without our quote mark, and without space around it.
pub(crate) fn clean(cell: &str) -> &str {
    undefuse(cell).trim()
}
