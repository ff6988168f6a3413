//! Moments, and how they are written.

use chrono::{Datelike as _, SecondsFormat, Timelike as _};

/// A moment in UTC. Adapters store microseconds. [`crate::common::Clock`] gives none that are
/// finer, so a moment reads back as it was written.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

/// A moment as RFC 3339 writes it, with microseconds and `Z`. Nearly every answer and every line of
/// the log contains one, and chrono's own formatting takes several times as long.
pub fn rfc3339(at: Timestamp) -> String {
    let parts = (u32::try_from(at.year()), at.nanosecond() / 1000);
    let (Ok(year @ 0..=9999), micros @ 0..=999_999) = parts else {
        // Longer years, and leap seconds.
        return at.to_rfc3339_opts(SecondsFormat::Micros, true);
    };
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    for (place, mut number) in [
        (0..4, year),
        (5..7, at.month()),
        (8..10, at.day()),
        (11..13, at.hour()),
        (14..16, at.minute()),
        (17..19, at.second()),
        (20..26, micros),
    ] {
        for digit in text.get_mut(place).into_iter().flatten().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
    }
    str::from_utf8(&text).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_digits_are_in_their_place() {
        let at: Timestamp = "2026-11-21T08:14:01.508531Z".parse().unwrap();
        assert_eq!(rfc3339(at), "2026-11-21T08:14:01.508531Z");
    }

    #[test]
    fn a_leap_second_is_a_sixtieth() {
        let at: Timestamp = "2016-12-31T23:59:60.5Z".parse().unwrap();
        assert_eq!(rfc3339(at), "2016-12-31T23:59:60.500000Z");
    }

    proptest! {
        #[test]
        fn it_is_what_chrono_writes(micros in -70_000_000_000_000_000_i64..=300_000_000_000_000_000) {
            let at = Timestamp::from_timestamp_micros(micros).unwrap();
            prop_assert_eq!(rfc3339(at), at.to_rfc3339_opts(SecondsFormat::Micros, true));
        }
    }
}
