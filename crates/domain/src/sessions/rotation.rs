//! Rotation of refresh tokens, and the rule that detects a replay.

use std::time::Duration;

use crate::audit::{AuditAction, AuditContext, AuditEvent};
use crate::common::{RequestContext, SessionId, Timestamp, UserId};
use crate::sessions::{Generation, LiveSession};

/// A refresh token presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The session that it names.
    pub session_id: SessionId,
    /// The user that it names.
    pub user_id: UserId,
    /// The generation that it names.
    pub presented: Generation,
    /// Now.
    pub at: Timestamp,
    /// For how long after its first use a predecessor may be presented again.
    pub grace: Duration,
    /// Where from.
    pub request: RequestContext,
    /// Whether to record that it was taken. A replay is recorded in any case.
    pub recorded: bool,
}

impl Rotation {
    /// Decides what this token is (RFC 9700 §4.14.2).
    pub fn judge(&self, lineage: &Lineage) -> Presented {
        if self.presented == lineage.current {
            return Presented::Current;
        }
        // The current generation is unused, or it would be the predecessor. A clock that is behind
        // is within the grace.
        let is_retry = lineage.predecessor.is_some_and(|(generation, first_used)| {
            let is_in_time = (self.at - first_used).to_std().is_ok_and(|since| since < self.grace);
            generation == self.presented && (is_in_time || self.at < first_used)
        });
        if is_retry { Presented::Retry } else { Presented::Replay }
    }

    /// The generations of the session after it; `None` for a replay, which ends the session.
    pub fn next(&self, lineage: Lineage) -> Option<Lineage> {
        let predecessor = match self.judge(&lineage) {
            Presented::Current => Some((self.presented, self.at)),
            Presented::Retry => lineage.predecessor,
            Presented::Replay => return None,
        };
        Some(Lineage { current: Generation(lineage.current.0 + 1), predecessor })
    }

    /// What to record if the token is taken.
    pub fn refreshed(&self) -> AuditEvent {
        self.event(AuditAction::Refreshed, Some(self.user_id))
    }

    /// What to record of a replay. There is no actor: it is unknown which of the two presenters is
    /// the user.
    pub fn replayed(&self) -> AuditEvent {
        self.event(AuditAction::RefreshReplayed, None)
    }

    fn event(&self, action: AuditAction, actor: Option<UserId>) -> AuditEvent {
        let (session_id, request) = (Some(self.session_id), self.request.clone());
        AuditContext { actor, session_id, at: self.at, request }.event(action).on(self.user_id)
    }
}

/// The generations that a session knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lineage {
    /// That of the newest refresh token.
    pub current: Generation,
    /// The last valid generation before it, and when that was first used.
    pub predecessor: Option<(Generation, Timestamp)>,
}

/// What a presented refresh token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// It is the current one: the next generation becomes current, this one its predecessor.
    Current,
    /// It is the predecessor, within the grace: the answer with its successor was lost, so the
    /// successor becomes void. The predecessor and the time of its first use stay.
    Retry,
    /// It was used before, or never issued.
    Replay,
}

/// The result of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationOutcome {
    /// The session has a new generation. From now on only that one works.
    Rotated(Box<LiveSession>),
    /// The token had been used: the session has been ended.
    Replayed,
    /// No such session of this user, or it has ended or expired, or the account is inactive.
    NotLive,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, SESSION, USER, at};

    /// The generation presented, the seconds since the predecessor's first use, and what it means,
    /// where the current generation is 5 and its predecessor 3: 4 was lost.
    #[test]
    fn a_token_is_what_the_table_says() {
        let lineage =
            Lineage { current: Generation(5), predecessor: Some((Generation(3), at(100))) };
        for (presented, seconds, grace, expected) in [
            (5, 0, 10, Presented::Current),
            (5, 1_000_000, 10, Presented::Current),
            (5, 0, 0, Presented::Current),
            (3, 0, 10, Presented::Retry),
            (3, 9, 10, Presented::Retry),
            // A clock that is behind is within the grace.
            (3, -50, 10, Presented::Retry),
            (3, -50, 0, Presented::Retry),
            (3, 10, 10, Presented::Replay),
            (3, 0, 0, Presented::Replay),
            (4, 0, 10, Presented::Replay),
            (2, 0, 10, Presented::Replay),
            (6, 0, 10, Presented::Replay),
            (-1, 0, 10, Presented::Replay),
        ] {
            let rotation = rotation(presented, 100 + seconds, grace);
            assert_eq!(rotation.judge(&lineage), expected, "{presented} after {seconds} s");
            let predecessor = match expected {
                Presented::Current => Some((Generation(5), rotation.at)),
                Presented::Retry => lineage.predecessor,
                Presented::Replay => {
                    assert_eq!(rotation.next(lineage), None);
                    continue;
                }
            };
            let next = Lineage { current: Generation(6), predecessor };
            assert_eq!(rotation.next(lineage), Some(next), "{presented} after {seconds} s");
        }
    }

    #[test]
    fn a_new_session_has_no_predecessor() {
        let lineage = Lineage { current: Generation::FIRST, predecessor: None };
        assert_eq!(rotation(0, 0, 10).judge(&lineage), Presented::Current);
        assert_eq!(rotation(-1, 0, 10).judge(&lineage), Presented::Replay);
        assert_eq!(rotation(1, 0, 10).judge(&lineage), Presented::Replay);
    }

    fn rotation(presented: i64, seconds: i64, grace: u64) -> Rotation {
        Rotation {
            session_id: SESSION,
            user_id: USER,
            presented: Generation(presented),
            at: at(seconds),
            grace: Duration::from_secs(grace),
            request: testing::request(),
            recorded: true,
        }
    }
}
