//! Times in answers.

use chrono::SecondsFormat;
use menjin_domain::values::Timestamp;

/// RFC 3339 in UTC with `Z`.
pub(crate) fn time(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
