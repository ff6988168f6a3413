//! Times in queries.

use chrono::{DateTime, SubsecRound as _};
use menjin_domain::common::Timestamp;

use crate::problem::Problem;

/// Reads RFC 3339, in any time zone; what is finer than microseconds is cut off.
pub(crate) fn parse_time(text: &str) -> Result<Timestamp, Problem> {
    let at = DateTime::parse_from_rfc3339(text).map_err(|_detail| Problem::NotATime)?;
    Ok(at.to_utc().trunc_subsecs(6))
}

#[cfg(test)]
mod tests {
    use menjin_domain::common::rfc3339;

    use super::*;

    #[test]
    fn times_are_rfc_3339() {
        let read = |text| parse_time(text).map(rfc3339);
        assert_eq!(read("2026-01-31T08:00:00Z"), Ok("2026-01-31T08:00:00.000000Z".to_owned()));
        assert_eq!(
            read("2026-01-31T16:00:00.1234567+08:00"),
            Ok("2026-01-31T08:00:00.123456Z".to_owned())
        );
        for bad in
            ["", "now", "2026-01-31", "2026-01-31T08:00:00", "1700000000", "2026-02-30T08:00:00Z"]
        {
            assert_eq!(read(bad), Err(Problem::NotATime), "{bad:?}");
        }
    }
}
