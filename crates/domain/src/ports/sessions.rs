use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::entities::{Act, AuditEvent, Session, User};
use crate::ports::PortError;
use crate::values::{AuditAction, Epoch, Generation, Origin, SessionId, Timestamp, UserId};

/// A session to be made.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The id.
    pub id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// The epoch that the password was verified in.
    pub verified_epoch: Epoch,
    /// Now.
    pub created_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// Where the log-in comes from.
    pub origin: Origin,
}

impl NewSession {
    /// What to record.
    pub fn event(&self) -> AuditEvent {
        let act = Act {
            actor: Some(self.user_id),
            session_id: Some(self.id),
            at: self.created_at,
            origin: self.origin.clone(),
        };
        act.event(AuditAction::LoggedIn).on(self.user_id)
    }
}

/// Why no session was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateSessionError {
    /// The account was deactivated, or its password changed, since it was read.
    #[error("the account has changed since the password was verified")]
    Stale,
    /// The store failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// A session that works, with its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    /// The session.
    pub session: Session,
    /// Its user, active.
    pub user: Arc<User>,
}

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
    pub origin: Origin,
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
        let (session_id, origin) = (Some(self.session_id), self.origin.clone());
        Act { actor, session_id, at: self.at, origin }.event(action).on(self.user_id)
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
    Gone,
}

/// The sessions.
///
/// A session is live while it is not ended, `expires_at` is in the future, and its user is active.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SessionRepository: Send + Sync {
    /// Makes a session at [`Generation::FIRST`], sets the user's `last_login_at`, and returns the
    /// user as it is then. Records [`NewSession::event`].
    ///
    /// MUST return `Stale`, and change nothing, unless the account is active and of the verified
    /// epoch at the moment of the write.
    async fn create(&self, session: NewSession) -> Result<User, CreateSessionError>;

    /// The session and its user, if live at `at`.
    async fn find_live(
        &self,
        id: SessionId,
        at: Timestamp,
    ) -> Result<Option<LiveSession>, PortError>;

    /// Rotates the refresh token (RFC 9700 §4.14.2) of a live session, in one conditional write:
    ///
    /// * The current generation is presented: the next one becomes current, this one its
    ///   predecessor.
    /// * The predecessor is presented, less than `grace` after it was first used, and the current
    ///   one has not been: the answer was lost. The next generation becomes current, the
    ///   predecessor and the time of its first use stay. The lost successor is thereby void.
    /// * Anything else is a replay: MUST end the session, record [`Rotation::replayed`] and return
    ///   `Replayed`.
    ///
    /// A token that is taken is recorded as [`Rotation::refreshed`] if the input asks for it.
    ///
    /// A clock that lags (`at` before the first use) is within the grace. Sets `last_used_at`.
    /// Generations never repeat, and of concurrent calls with one token at
    /// most one result is current in the end.
    async fn rotate(&self, rotation: Rotation) -> Result<RotationOutcome, PortError>;

    /// Ends the session; `true` if it had not ended before. Records `logged_out` on its user.
    async fn end(&self, id: SessionId, act: Act) -> Result<bool, PortError>;

    /// Deletes sessions that ended or expired before this moment and returns how many. It MAY stop
    /// early, to answer in time; the next call goes on.
    async fn delete_finished(&self, before: Timestamp) -> Result<u64, PortError>;
}
