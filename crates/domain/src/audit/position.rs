//! Ids and positions of audit records.

use std::fmt;
use std::str::FromStr;

use chrono::DateTime;

use crate::common::Timestamp;

/// The id of a record, handed out by the store, never twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditRecordId(pub i64);

impl fmt::Display for AuditRecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A place in the order of the records: by time, and by id among the records of one moment. The
/// time is part of the position so that a list continues at its place even when the record itself
/// has been deleted.
///
/// Records are ordered by the times of their events and not by their ids: a failure waits in the
/// queue, and PostgreSQL draws ids before the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditPosition {
    /// When the event happened.
    pub at: Timestamp,
    /// The record's id.
    pub id: AuditRecordId,
}

/// Not the text of a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no position in the audit log")]
pub struct InvalidPosition;

impl fmt::Display for AuditPosition {
    /// Microseconds since 1970 and the id, as in `1700000000123456-42`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.timestamp_micros(), self.id)
    }
}

impl FromStr for AuditPosition {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let position = || {
            let (at, id) = text.split_once('-')?;
            let number = |digits: &str| {
                digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<i64>().ok())?
            };
            let at = DateTime::from_timestamp_micros(number(at)?)?;
            Some(Self { at, id: AuditRecordId(number(id)?) })
        };
        position().ok_or(InvalidPosition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_go_round() {
        let at = DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap();
        let position = AuditPosition { at, id: AuditRecordId(42) };
        assert_eq!(position.to_string(), "1700000000123456-42");
        assert_eq!("1700000000123456-42".parse(), Ok(position));
        for bad in
            ["", "-", "1-", "-1", "1", "1-2-3", "+1-2", "1 -2", "x-1", "1-99999999999999999999"]
        {
            assert_eq!(bad.parse::<AuditPosition>(), Err(InvalidPosition), "{bad:?}");
        }
        assert_eq!("9223372036854775807-1".parse::<AuditPosition>(), Err(InvalidPosition));
    }
}
