//! The repository of sessions.

use async_trait::async_trait;

use crate::access::OutOfReach;
use crate::accounts::{Authority, User};
use crate::audit::{AuditAction, AuditContext, AuditEvent};
use crate::common::{Error, PortError, RequestContext, SessionId, Timestamp, UserId};
use crate::credentials::CredentialVersion;
use crate::sessions::{
    CookieDigest, HandOffDigest, LiveSession, Rotation, RotationOutcome, Session, SessionPosition,
    TakenHandOff,
};

/// A session to be made.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The id.
    pub id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// The credential version for which the password was verified.
    pub verified_version: CredentialVersion,
    /// Whether a second factor was given.
    pub has_factor: bool,
    /// Now.
    pub created_at: Timestamp,
    /// When the password was given; `None`: now.
    pub authenticated_at: Option<Timestamp>,
    /// When it ends unless it is refreshed before.
    pub expires_at: Timestamp,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
    /// How many live sessions the user may have; `None`: any number.
    pub limit: Option<SessionLimit>,
    /// Where the login comes from.
    pub request: RequestContext,
}

impl NewSession {
    /// What to record.
    pub fn event(&self) -> AuditEvent {
        let context = AuditContext {
            actor: Some(self.user_id),
            session_id: Some(self.id),
            at: self.created_at,
            request: self.request.clone(),
        };
        context.event(AuditAction::LoggedIn).on(self.user_id)
    }

    /// What to record if sessions end by it.
    pub fn event_of_excess(&self) -> AuditEvent {
        AuditEvent { action: AuditAction::OldestSessionsEnded, ..self.event() }
    }
}

/// How many live sessions a user may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimit {
    /// How many, a new one among them.
    pub max: u32,
    /// What becomes of a login that would make one more.
    pub on_excess: OnExcess,
}

impl SessionLimit {
    /// How many others there may be beside a new one.
    pub fn others(self) -> u32 {
        self.max.saturating_sub(1)
    }
}

/// What becomes of a login that would make one session more than there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnExcess {
    /// The oldest sessions end.
    EndOldest,
    /// It is refused.
    Refuse,
}

/// Why a session was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CreateSessionError {
    /// The account has changed.
    #[error(transparent)]
    Stale(#[from] StaleCredentials),
    /// The user has as many as there may be.
    #[error("the user has as many sessions as there may be")]
    TooManySessions,
}

/// The account was deactivated, or its password changed, since the password was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the account has changed since the password was verified")]
pub struct StaleCredentials;

/// The password was given again in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reauthentication {
    /// The session.
    pub session_id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// The credential version for which the password was verified.
    pub verified_version: CredentialVersion,
    /// Who acts, when and from where.
    pub context: AuditContext,
}

impl Reauthentication {
    /// What to record.
    pub fn event(&self) -> AuditEvent {
        self.context.clone().event(AuditAction::Reauthenticated).on(self.user_id)
    }
}

/// Which live sessions to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionQuery {
    /// Whose.
    pub user_id: UserId,
    /// Now.
    pub at: Timestamp,
    /// Only those that come after this place.
    pub after: Option<SessionPosition>,
    /// How many at most.
    pub limit: u64,
}

/// The sessions.
///
/// A session is live while it has not ended, `expires_at` is in the future, and its user is active.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SessionRepository: Send + Sync {
    /// Makes a session at [`Generation::FIRST`](crate::sessions::Generation::FIRST), sets the user's `last_login_at`, and returns the
    /// user as it is then. Records [`NewSession::event`].
    ///
    /// If there would be more than [`NewSession::limit`] allows, it ends the oldest other live sessions of
    /// the user and records `oldest_sessions_ended`, or MUST return `TooManySessions` and change nothing, as
    /// the limit says. Of any number of concurrent calls no more stay.
    ///
    /// MUST return `Stale`, and change nothing, unless the account is active and of the
    /// verified credential version at the moment of the write.
    async fn create(&self, session: NewSession) -> Result<User, Error<CreateSessionError>>;

    /// The session and its user, if live at `at`.
    async fn find_live(
        &self,
        id: SessionId,
        at: Timestamp,
    ) -> Result<Option<LiveSession>, PortError>;

    /// Gives a session that is live at `at` this cookie, instead of one that it had; `true` if it is live.
    async fn bind_cookie(
        &self,
        id: SessionId,
        cookie: CookieDigest,
        at: Timestamp,
    ) -> Result<bool, PortError>;

    /// The session with this cookie, live or not.
    async fn find_by_cookie(&self, cookie: CookieDigest) -> Result<Option<SessionId>, PortError>;

    /// Sets `last_used_at` and `expires_at` of a session that is live at this time; `true` if it is.
    async fn touch(
        &self,
        id: SessionId,
        at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool, PortError>;

    /// Keeps a code with a session that is live at `at`, instead of one that it had; `true` if it is live.
    async fn offer_hand_off(
        &self,
        id: SessionId,
        code: HandOffDigest,
        at: Timestamp,
        until: Timestamp,
    ) -> Result<bool, PortError>;

    /// Takes a code, which is gone then, and returns whose session it is of. `None`: there is none, it has
    /// expired, or its session is not live at `at`. Of any number of concurrent calls exactly one MUST get it.
    async fn take_hand_off(
        &self,
        code: HandOffDigest,
        at: Timestamp,
    ) -> Result<Option<TakenHandOff>, PortError>;

    /// Rotates the refresh token (RFC 9700 §4.14.2) of a live session, in one conditional write:
    ///
    /// * The current generation is presented: the next one becomes current, this one its
    ///   predecessor.
    /// * The predecessor is presented, less than `grace` after it was first used, and the current
    ///   one was not used: the answer was lost. The next generation becomes current, and the lost
    ///   one is void. The predecessor and the time of its first use stay. That may happen five
    ///   times a session; uses within ten seconds of each other count as one.
    /// * Anything else is a replay: MUST end the session, record [`Rotation::replayed`] and return
    ///   `Replayed`.
    ///
    /// [`Rotation::next`] is the rule, and says what to record.
    ///
    /// An `at` before the first use, from a clock that is behind, is within the grace. Sets
    /// `last_used_at`, and `expires_at` as [`Rotation::expires_at`] says. Generations never repeat. After concurrent calls with one token, at most one
    /// result is current.
    async fn rotate(&self, rotation: Rotation) -> Result<RotationOutcome, PortError>;

    /// Sets `authenticated_at` of a live session of this user to the time of the context; `true` if so.
    /// Records `reauthenticated`.
    ///
    /// MUST return `false`, and change nothing, unless the account is active and of the verified
    /// credential version at the moment of the write.
    async fn reauthenticate(&self, again: Reauthentication) -> Result<bool, PortError>;

    /// Ends the session; `true` if it had not ended before. Records `logged_out` on its user.
    async fn end(&self, id: SessionId, context: AuditContext) -> Result<bool, PortError>;

    /// The live sessions of a user, by descending [position](Session::position), and the number of
    /// all that are live, both read at one moment.
    async fn list_live(&self, query: SessionQuery) -> Result<(Vec<Session>, u64), PortError>;

    /// Ends the session if it is live at the time of the context and belongs to this user; `true`
    /// if so. The owner MUST be checked in the statement that ends it. Records `session_revoked`.
    ///
    /// MUST return `OutOfReach`, and end nothing, if the user is out of reach of the authority.
    async fn revoke(
        &self,
        user: UserId,
        id: SessionId,
        authority: Authority,
    ) -> Result<bool, Error<OutOfReach>>;

    /// Ends all live sessions of this user, but the one to keep if there is one, and returns how
    /// many. Records `other_sessions_revoked`, or `all_sessions_revoked` if none is kept, unless
    /// there was none to end.
    ///
    /// MUST return `OutOfReach`, and end nothing, if the user is out of reach of the authority.
    async fn revoke_all(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        authority: Authority,
    ) -> Result<u64, Error<OutOfReach>>;

    /// Deletes sessions that ended or expired before this moment and returns how many. It MAY stop
    /// early, to answer in time; the next call goes on.
    async fn delete_finished(&self, before: Timestamp) -> Result<u64, PortError>;
}
