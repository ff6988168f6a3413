//! Rotation of refresh tokens.

use std::time::Duration;

use crate::audit::{AuditAction, AuditContext, AuditEvent};
use crate::common::{RequestContext, SessionId, Timestamp, UserId};
use crate::sessions::{Generation, LiveSession};

/// A refresh token presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The session that it names.
    pub session_id: SessionId,
    /// Whose, as it says.
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
    /// What to record if the token is taken.
    pub fn refreshed(&self) -> AuditEvent {
        self.event(AuditAction::Refreshed, Some(self.user_id))
    }

    /// What to record of a replay. One of the two who presented the token is not its user, and which
    /// one nobody knows: there is no actor.
    pub fn replayed(&self) -> AuditEvent {
        self.event(AuditAction::RefreshReplayed, None)
    }

    fn event(&self, action: AuditAction, actor: Option<UserId>) -> AuditEvent {
        let (session_id, request) = (Some(self.session_id), self.request.clone());
        AuditContext { actor, session_id, at: self.at, request }.event(action).on(self.user_id)
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationOutcome {
    /// The session is at a new generation, the only one that works from now on.
    Rotated(Box<LiveSession>),
    /// The token had been used: the session has been ended.
    Replayed,
    /// No such session of this user, or it has ended or expired, or the account is inactive.
    NotLive,
}
