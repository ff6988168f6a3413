//! What a session is.

use std::sync::Arc;

use crate::accounts::User;
use crate::common::{ClientInfo, SessionId, Timestamp, UserId};

/// How often a session's refresh token has been rotated. A refresh token names the generation that
/// it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub i64);

impl Generation {
    /// That of the token that a log-in hands out.
    pub const FIRST: Self = Self(0);
}

/// A log-in that lasts: what tokens name, and what ends when they must stop working.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The id.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// That of the newest refresh token.
    pub generation: Generation,
    /// When the user logged in.
    pub created_at: Timestamp,
    /// When the tokens were last refreshed.
    pub last_used_at: Timestamp,
    /// When it ends at the latest, however often it is refreshed.
    pub expires_at: Timestamp,
    /// Where the log-in came from.
    pub client: ClientInfo,
}

/// A session that works, with its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    /// The session.
    pub session: Session,
    /// Its user, active.
    pub user: Arc<User>,
}
