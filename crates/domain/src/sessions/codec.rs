//! The port that signs and verifies tokens, and what tokens say.

use secrecy::SecretString;

use crate::accounts::Role;
use crate::common::{PortError, SessionId, Timestamp, UserId};
use crate::sessions::Generation;

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

/// A token that is not one of ours, or not of this kind, or not of this time. Deliberately bare:
/// the client learns nothing, the log has the reason at debug level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid token: {reason}")]
pub struct InvalidToken {
    /// For logs, never for clients.
    pub reason: &'static str,
}

/// Makes and reads signed tokens.
///
/// Access and refresh tokens MUST NOT be taken for each other: each has a key of its own.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait TokenCodec: Send + Sync {
    /// Signs an access token.
    fn sign_access(&self, claims: &AccessClaims) -> Result<SecretString, PortError>;

    /// Signs a refresh token.
    fn sign_refresh(&self, claims: &RefreshClaims) -> Result<SecretString, PortError>;

    /// Reads an access token that is valid at `at`.
    fn verify_access(&self, token: &str, at: Timestamp) -> Result<AccessClaims, InvalidToken>;

    /// Reads a refresh token that is valid at `at`.
    fn verify_refresh(&self, token: &str, at: Timestamp) -> Result<RefreshClaims, InvalidToken>;

    /// The keys that access tokens can be verified with by others: each one whose tokens
    /// [`verify_access`](Self::verify_access) takes, that of new tokens first. MUST hold none that
    /// could sign, so that of a symmetric algorithm there is none.
    fn public_keys(&self) -> Vec<PublicKey>;
}
