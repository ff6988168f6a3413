//! What the domain talks about: users, sessions, tokens, the authenticated caller, and what happened.

mod audit;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::values::{
    AvatarUrl, Bio, ClientInfo, Email, Epoch, FullName, Generation, PasswordHash, Phone, Role,
    SessionId, Timestamp, UserId, Username,
};

pub use audit::{Act, AuditEvent, AuditRecord};

/// The optional part of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// The person's name.
    pub full_name: Option<FullName>,
    /// A telephone number.
    pub phone: Option<Phone>,
    /// Some lines about oneself.
    pub bio: Option<Bio>,
    /// A picture.
    pub avatar: Option<AvatarUrl>,
}

/// An account, as its owner and administrators may see it: no hash, no epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The name, unique in its canonical form.
    pub username: Username,
    /// The address, unique in its canonical form.
    pub email: Email,
    /// What the user may do.
    pub role: Role,
    /// The optional part.
    pub profile: Profile,
    /// Whether the account may log in and its tokens work.
    pub is_active: bool,
    /// Whether the address was shown to be the user's. A changed address is not.
    pub is_verified: bool,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was last changed; `None` until the first change. Logging in is none.
    pub updated_at: Option<Timestamp>,
    /// When the user last logged in; `None` until the first time.
    pub last_login_at: Option<Timestamp>,
}

impl User {
    /// Whether the user may manage others. Derived, so that it cannot disagree with the role.
    pub fn is_superuser(&self) -> bool {
        self.role == Role::Admin
    }
}

/// What a password is verified against, read in one moment.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Whose they are.
    pub user_id: UserId,
    /// The hash.
    pub hash: PasswordHash,
    /// The state that the hash belongs to: what follows from it holds for this epoch only.
    pub epoch: Epoch,
    /// Whether the account may log in.
    pub is_active: bool,
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

/// The authenticated caller of a use-case: the user as the store has it now, not as a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The user, shared with whoever remembers the session.
    pub user: Arc<User>,
    /// The session that the token named.
    pub session_id: SessionId,
}

/// The caller may not do that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only an administrator may do that")]
pub struct Forbidden;

impl Principal {
    /// Refuses everybody but administrators.
    ///
    /// # Errors
    /// [`Forbidden`].
    pub fn require_admin(&self) -> Result<(), Forbidden> {
        if self.user.is_superuser() { Ok(()) } else { Err(Forbidden) }
    }
}

/// What an access token says (RFC 9068 gives the names on the wire).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessClaims {
    /// `sub`.
    pub user_id: UserId,
    /// `sid`.
    pub session_id: SessionId,
    /// `role`: for other services to read; menjin itself asks the store.
    pub role: Role,
    /// `jti`.
    pub token_id: uuid::Uuid,
    /// `iat`, whole seconds.
    pub issued_at: Timestamp,
    /// `exp`, whole seconds.
    pub expires_at: Timestamp,
}

/// What a refresh token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshClaims {
    /// `sub`.
    pub user_id: UserId,
    /// `sid`.
    pub session_id: SessionId,
    /// `gen`.
    pub generation: Generation,
    /// `jti`.
    pub token_id: uuid::Uuid,
    /// `iat`, whole seconds.
    pub issued_at: Timestamp,
    /// `exp`, whole seconds: the end of the session.
    pub expires_at: Timestamp,
}

/// A key that others may verify access tokens with. It signs nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// What tokens call it: its thumbprint (RFC 7638).
    pub id: String,
    /// The key itself.
    pub point: PublicPoint,
}

/// A point of a curve, in coordinates of 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicPoint {
    /// Of Ed25519, for `EdDSA` (RFC 8037).
    Ed25519 {
        /// The point, compressed.
        x: [u8; 32],
    },
    /// Of P-256, for ES256 (RFC 7518 §6.2.1).
    P256 {
        /// The one coordinate, big-endian.
        x: [u8; 32],
        /// The other.
        y: [u8; 32],
    },
}

/// What a log-in or a refresh hands out (RFC 6749 §5.1).
#[derive(Debug, Clone)]
pub struct TokenPair {
    /// For each request.
    pub access_token: SecretString,
    /// For the next pair, once.
    pub refresh_token: SecretString,
    /// How long the access token lives from now on.
    pub expires_in: Duration,
}
