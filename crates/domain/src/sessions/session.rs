//! What a session is.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::accounts::User;
use crate::common::{ClientInfo, SessionId, Timestamp, UserId};

/// How often a session's refresh token has been rotated. A refresh token names the generation that
/// it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub i64);

impl Generation {
    /// The generation of the token that a login issues.
    pub const FIRST: Self = Self(0);
}

/// A session: it begins with a login, its tokens name it, and they stop working when it ends.
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
    /// When the user last gave the password in it: at the login, or later.
    pub authenticated_at: Timestamp,
    /// Whether a second factor was given in it.
    pub has_factor: bool,
    /// When it ends unless it is refreshed before: at its end, or sooner where sessions end that are not
    /// used ([`Policy::idle_ttl`](crate::ports::Policy::idle_ttl)).
    pub expires_at: Timestamp,
    /// When it ends at the latest, however often it is refreshed.
    pub ends_at: Timestamp,
    /// Where the login came from.
    pub client: ClientInfo,
}

/// A live session with its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    /// The session.
    pub session: Session,
    /// Its user, active.
    pub user: Arc<User>,
}

/// A place in the list of a user's sessions. The newest come first, ordered by time and then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionPosition {
    /// When the session began.
    pub created_at: Timestamp,
    /// Its id.
    pub id: SessionId,
}

/// Not the text of a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no position in a list of sessions")]
pub struct InvalidSessionPosition;

impl Session {
    /// Its place in the list.
    pub fn position(&self) -> SessionPosition {
        SessionPosition { created_at: self.created_at, id: self.id }
    }
}

impl fmt::Display for SessionPosition {
    /// Microseconds since 1970 and the id without dashes, as in `1700000000123456-5e55…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.created_at.timestamp_micros(), self.id.0.simple())
    }
}

impl FromStr for SessionPosition {
    type Err = InvalidSessionPosition;

    fn from_str(text: &str) -> Result<Self, InvalidSessionPosition> {
        let position = || {
            let (micros, id) = text.split_once('-')?;
            let digits = micros.bytes().all(|byte| byte.is_ascii_digit());
            let micros = digits.then(|| micros.parse().ok())??;
            let created_at = Timestamp::from_timestamp_micros(micros)?;
            let id = SessionId(uuid::Uuid::parse_str(id).ok().filter(|_| id.len() == 32)?);
            Some(Self { created_at, id })
        };
        position().ok_or(InvalidSessionPosition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn positions_go_round() {
        let position = testing::live().session.position();
        assert_eq!(position.to_string().parse(), Ok(position));
        for bad in ["", "-", "1-", "-5e551011", "x-00000000000000000000000000000001", "1-2-3"] {
            assert_eq!(bad.parse::<SessionPosition>(), Err(InvalidSessionPosition), "{bad:?}");
        }
    }
}
