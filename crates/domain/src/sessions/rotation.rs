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
    /// For how long a session lives that is not refreshed; `None`: to its end.
    pub idle_ttl: Option<Duration>,
    /// Where from.
    pub request: RequestContext,
    /// Whether to record that it was taken. Retries and replays are recorded in any case.
    pub recorded: bool,
}

/// How many retries a session may have that were not parallel to another use. Each is a chance for
/// a thief whose victim is silent.
const MAX_RETRIES: u32 = 5;

/// For how long after a rotation another use of the same token counts as parallel: many tabs of a
/// browser, or many calls of an application, find their access token expired at one moment.
const PARALLEL: Duration = Duration::from_secs(10);

impl Rotation {
    /// Decides what this token is (RFC 9700 §4.14.2).
    pub fn judge(&self, lineage: &Lineage) -> Presented {
        if self.presented == lineage.current {
            return Presented::Current;
        }
        // The current generation is unused, or it would be the predecessor.
        let is_retry = lineage.predecessor.is_some_and(|(generation, first_used)| {
            generation == self.presented && self.is_within(self.grace, first_used)
        });
        if !is_retry {
            return Presented::Replay;
        }
        if self.is_within(PARALLEL, lineage.last_used_at) {
            Presented::Parallel
        } else if lineage.retries < MAX_RETRIES {
            Presented::Retry
        } else {
            Presented::Replay
        }
    }

    /// When a session expires after this, which ends at the latest at this moment.
    pub fn expires_at(&self, ends_at: Timestamp) -> Timestamp {
        self.idle_ttl.map_or(ends_at, |idle| ends_at.min(self.at + idle))
    }

    /// Whether less than this time has passed. A clock that is behind is within any time.
    fn is_within(&self, time: Duration, since: Timestamp) -> bool {
        self.at < since || (self.at - since).to_std().is_ok_and(|passed| passed < time)
    }

    /// What the session becomes, and what to record; `None` for a replay, which ends the session.
    pub fn next(&self, lineage: Lineage) -> Option<Next> {
        let presented = self.judge(&lineage);
        let (predecessor, retries) = match presented {
            Presented::Current => (Some((self.presented, self.at)), lineage.retries),
            Presented::Parallel => (lineage.predecessor, lineage.retries),
            Presented::Retry => (lineage.predecessor, lineage.retries + 1),
            Presented::Replay => return None,
        };
        let event = match presented {
            Presented::Current => self.recorded.then(|| self.refreshed()),
            _ => Some(self.event(AuditAction::RefreshRetried, Some(self.user_id))),
        };
        let current = Generation(lineage.current.0 + 1);
        Some(Next {
            lineage: Lineage { current, predecessor, last_used_at: self.at, retries },
            event,
        })
    }

    /// What to record of a current token that is taken.
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
    /// When a token was last taken.
    pub last_used_at: Timestamp,
    /// How many retries there were.
    pub retries: u32,
}

/// What a session becomes by a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// The generations of the session.
    pub lineage: Lineage,
    /// What MUST be recorded with it.
    pub event: Option<AuditEvent>,
}

/// What a presented refresh token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// It is the current one: the next generation becomes current, this one its predecessor.
    Current,
    /// It is the predecessor, within the grace: the answer with its successor was lost, so the
    /// successor becomes void. The predecessor and the time of its first use stay.
    Retry,
    /// The same, but so soon after another use that it counts as one with it.
    Parallel,
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
            Lineage { last_used_at: at(120), ..lineage(Some((Generation(3), at(100))), 4) };
        for (presented, seconds, grace, expected) in [
            (5, 0, 60, Presented::Current),
            (5, 1_000_000, 60, Presented::Current),
            (5, 0, 0, Presented::Current),
            (3, 20, 60, Presented::Parallel),
            (3, 29, 60, Presented::Parallel),
            (3, 30, 60, Presented::Retry),
            (3, 59, 60, Presented::Retry),
            // A clock that is behind is within the grace.
            (3, -50, 60, Presented::Parallel),
            (3, -50, 0, Presented::Parallel),
            (3, 60, 60, Presented::Replay),
            (3, 0, 0, Presented::Replay),
            (4, 0, 60, Presented::Replay),
            (2, 0, 60, Presented::Replay),
            (6, 0, 60, Presented::Replay),
            (-1, 0, 60, Presented::Replay),
        ] {
            let rotation = rotation(presented, 100 + seconds, grace);
            assert_eq!(rotation.judge(&lineage), expected, "{presented} after {seconds} s");
            let (predecessor, retries, event) = match expected {
                Presented::Current => {
                    (Some((Generation(5), rotation.at)), 4, AuditAction::Refreshed)
                }
                Presented::Parallel => (lineage.predecessor, 4, AuditAction::RefreshRetried),
                Presented::Retry => (lineage.predecessor, 5, AuditAction::RefreshRetried),
                Presented::Replay => {
                    assert_eq!(rotation.next(lineage), None);
                    continue;
                }
            };
            let next = rotation.next(lineage).unwrap();
            assert_eq!(next.event.map(|event| event.action), Some(event));
            let current = Generation(6);
            let expected = Lineage { current, predecessor, last_used_at: rotation.at, retries };
            assert_eq!(next.lineage, expected, "{presented} after {seconds} s");
        }
    }

    /// Uses that follow one another within ten seconds are one retry, however long they go on.
    #[test]
    fn t14_j22_the_sixth_retry_of_a_session_is_a_replay() {
        let day = 24 * 60 * 60_u64;
        let mut known = Lineage { last_used_at: at(0), ..lineage(None, 0) };
        let mut seconds = 0;
        for retry in 0..=5 {
            // The current token first, whose answer is lost, or a retry of it.
            for offset in [0, 9, 18] {
                let presented =
                    known.predecessor.map_or(known.current.0, |(generation, _)| generation.0);
                let next = rotation(presented, seconds + offset, 10 * day).next(known);
                known = next.unwrap_or_else(|| panic!("{retry} after {offset} s")).lineage;
                assert_eq!(known.retries, retry);
            }
            seconds += 60 * 60;
        }
        let Some((predecessor, _)) = known.predecessor else { panic!("{known:?}") };
        assert_eq!(rotation(predecessor.0, seconds, 10 * day).judge(&known), Presented::Replay);
        let current = rotation(known.current.0, seconds, 0);
        assert_eq!(current.judge(&known), Presented::Current);
        assert_eq!(current.next(known).map(|next| next.lineage.retries), Some(5), "they stay");
    }

    #[test]
    fn a_new_session_has_no_predecessor() {
        let lineage = Lineage { current: Generation::FIRST, ..lineage(None, 0) };
        assert_eq!(rotation(0, 0, 10).judge(&lineage), Presented::Current);
        assert_eq!(rotation(-1, 0, 10).judge(&lineage), Presented::Replay);
        assert_eq!(rotation(1, 0, 10).judge(&lineage), Presented::Replay);
    }

    #[test]
    fn d4_a_session_that_is_not_used_expires_and_none_outlasts_its_end() {
        let idle = |seconds| Rotation {
            idle_ttl: Some(Duration::from_secs(60)),
            ..rotation(0, seconds, 0)
        };
        assert_eq!(idle(10).expires_at(at(1000)), at(70));
        assert_eq!(idle(990).expires_at(at(1000)), at(1000));
        assert_eq!(rotation(0, 10, 0).expires_at(at(1000)), at(1000));
    }

    fn lineage(predecessor: Option<(Generation, Timestamp)>, retries: u32) -> Lineage {
        Lineage { current: Generation(5), predecessor, last_used_at: at(100), retries }
    }

    fn rotation(presented: i64, seconds: i64, grace: u64) -> Rotation {
        Rotation {
            session_id: SESSION,
            user_id: USER,
            presented: Generation(presented),
            at: at(seconds),
            grace: Duration::from_secs(grace),
            idle_ttl: None,
            request: testing::request(),
            recorded: true,
        }
    }
}
