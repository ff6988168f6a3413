//! The values of cells as text.

use calamine::{DataRef, ExcelDateTime};

use crate::error::Reason;
use crate::row::MAX_ROW_BYTES;

/// The first day after what Excel takes for a date: 10000-01-01.
const AFTER_DATES: f64 = 2_958_466.0;

/// Up to here a number holds every integer.
const INTEGERS: f64 = 9_007_199_254_740_992.0;

/// A value as text. A formula has the value that was saved with it.
pub(super) fn text(value: &DataRef<'_>, row: u32, column: u32) -> Result<String, Reason> {
    match value {
        DataRef::Empty => Ok(String::new()),
        DataRef::SharedString(text) => copy(text),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            copy(text)
        }
        DataRef::Int(number) => Ok(number.to_string()),
        DataRef::Float(number) => Ok(number_text(*number)),
        DataRef::Bool(value) => Ok(value.to_string()),
        DataRef::DateTime(date) => Ok(date_text(date)),
        DataRef::Error(error) => {
            Err(Reason::CellError { cell: cell_name(row, column), error: error.to_string() })
        }
    }
}

/// Many cells may share one very long text.
fn copy(text: &str) -> Result<String, Reason> {
    if text.len() > MAX_ROW_BYTES { Err(Reason::TooLong) } else { Ok(text.to_owned()) }
}

/// A number without `.0`: many a telephone number is one.
fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < INTEGERS {
        #[expect(clippy::cast_possible_truncation, reason = "it is an integer, and a small one")]
        let integer = number as i64;
        integer.to_string()
    } else {
        number.to_string()
    }
}

/// A date, a time, or both (ISO 8601). A duration has as many hours as it needs.
fn date_text(date: &ExcelDateTime) -> String {
    let serial = date.as_f64();
    if !(0.0..AFTER_DATES).contains(&serial) {
        return number_text(serial);
    }
    let (year, month, day, hour, minute, second, milli) = date.to_ymd_hms_milli();
    let seconds = match milli {
        0 => format!("{second:02}"),
        milli => format!("{second:02}.{milli:03}"),
    };
    if date.is_duration() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is neither negative nor large"
        )]
        let millis = (serial * 86_400_000.0).round() as u64;
        let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
        return format!("{hours:02}:{minutes:02}:{seconds}");
    }
    let time = format!("{hour:02}:{minute:02}:{seconds}");
    let midnight = (hour, minute, second, milli) == (0, 0, 0, 0);
    if midnight {
        format!("{year:04}-{month:02}-{day:02}")
    } else if serial < 1.0 {
        time
    } else {
        format!("{year:04}-{month:02}-{day:02}T{time}")
    }
}

/// The name of a cell, as `B3`. Row and column begin at 0.
pub(super) fn cell_name(row: u32, column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = u64::from(column) + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A'.saturating_add(u8::try_from(rest % 26).unwrap_or_default())));
        rest /= 26;
    }
    let column: String = letters.iter().rev().collect();
    format!("{column}{}", u64::from(row) + 1)
}
