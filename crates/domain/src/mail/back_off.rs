//! When a mail is tried again.

use std::time::Duration;

use crate::common::Timestamp;
use crate::mail::MailId;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// How long after the first try, the second, and so on. The last holds for all further ones.
const STEPS: [Duration; 5] = [
    Duration::from_secs(30),
    MINUTE.saturating_mul(2),
    MINUTE.saturating_mul(10),
    HOUR,
    HOUR.saturating_mul(6),
];

/// A mail that nobody has taken after this time is given up.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// When to try again after a try that failed: the tries before it, when it was, and when the mail was
/// queued. `None`: no more.
///
/// Each step is up to a tenth longer, so that the mails of an outage do not all come back at once. The
/// last try is at the end of the day: a mail server that was away for less has not lost a mail.
pub fn next_try(
    id: MailId,
    attempts_before: u32,
    at: Timestamp,
    queued_at: Timestamp,
) -> Option<Timestamp> {
    let step = usize::try_from(attempts_before).unwrap_or(usize::MAX).min(STEPS.len() - 1);
    let wait = STEPS.get(step).copied().unwrap_or(HOUR);
    // Any spread will do, and one that follows from the mail needs no randomness.
    let spread = id.get().unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
    let spread = u32::try_from(spread % 101).unwrap_or(0);
    let (next, end) = (at + wait + wait / 1000 * spread, queued_at + GIVE_UP_AFTER);
    (at < end).then_some(next.min(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    #[test]
    fn m3_tries_are_farther_and_farther_apart_and_end_after_a_day() {
        for id in 1..200 {
            let id = MailId::try_from(id).unwrap();
            let (mut now, mut tries, mut waits) = (at(0), 0, Vec::new());
            while let Some(next) = next_try(id, tries, now, at(0)) {
                waits.push((next - now).num_seconds());
                (now, tries) = (next, tries + 1);
            }
            let at_the_end = waits.pop().unwrap();
            let least = [30, 120, 600, 3600, 21_600, 21_600, 21_600];
            assert_eq!(waits.len(), least.len(), "{waits:?}");
            for (wait, least) in waits.iter().zip(least) {
                assert!((least..=least + least / 10).contains(wait), "{waits:?}");
            }
            assert_eq!(now, at(86_400), "the last try is when the day is over");
            assert!(at_the_end <= 21_600 + 2160, "{at_the_end}");
        }
    }

    #[test]
    fn m3_mails_of_one_outage_do_not_come_back_together() {
        let next = |id| next_try(MailId::try_from(id).unwrap(), 3, at(0), at(0)).unwrap();
        let different: std::collections::BTreeSet<_> = (1..1000).map(next).collect();
        assert!(different.len() > 50, "{}", different.len());
    }
}
