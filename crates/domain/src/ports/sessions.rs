use std::time::Duration;

use async_trait::async_trait;

use crate::entities::{Session, User};
use crate::ports::PortError;
use crate::values::{ClientInfo, Epoch, Generation, SessionId, Timestamp, UserId};

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
    pub client: ClientInfo,
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
    pub user: User,
}

/// A refresh token presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// user as it is then.
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
    /// * Anything else is a replay: MUST end the session and return `Replayed`.
    ///
    /// A clock that lags (`at` before the first use) is within the grace. Sets `last_used_at`.
    /// Generations never repeat, and of concurrent calls with one token at
    /// most one result is current in the end.
    async fn rotate(&self, rotation: Rotation) -> Result<RotationOutcome, PortError>;

    /// Ends the session; `true` if it had not ended before.
    async fn end(&self, id: SessionId, at: Timestamp) -> Result<bool, PortError>;

    /// Deletes sessions that ended or expired before this moment and returns how many. It MAY stop
    /// early, to answer in time; the next call goes on.
    async fn delete_finished(&self, before: Timestamp) -> Result<u64, PortError>;
}
