//! The port that signs and verifies tokens, and what tokens say.

use secrecy::SecretString;

use crate::accounts::Role;
use crate::common::{PortError, SessionId, Timestamp, UserId};
use crate::sessions::{Generation, TicketClaims, TicketPurpose};

/// What an access token says (RFC 9068 gives the names on the wire).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessClaims {
    /// `sub`.
    pub user_id: UserId,
    /// `sid`.
    pub session_id: SessionId,
    /// `role`, for other services. menjin itself reads the role from the store.
    pub role: Role,
    /// `jti`.
    pub token_id: uuid::Uuid,
    /// `iat`, whole seconds.
    pub issued_at: Timestamp,
    /// `exp`, whole seconds.
    pub expires_at: Timestamp,
    /// Whether it is for somebody who may do next to nothing yet
    /// ([`Restriction`](crate::access::Restriction)). Such a token MUST be of a kind, and signed by a
    /// key, of its own that is not published: no other service takes it for a login.
    pub is_restricted: bool,
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
        /// One coordinate, big-endian.
        x: [u8; 32],
        /// The other coordinate.
        y: [u8; 32],
    },
}

/// A token that menjin did not issue, that is of the other kind, or that is not valid now. The
/// client does not learn the reason; the log has it at debug level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid token: {reason}")]
pub struct InvalidToken {
    /// For logs, never for clients.
    pub reason: &'static str,
}

/// Makes and reads signed tokens.
///
/// No token MUST be accepted as one of another kind: access tokens, refresh tokens and tickets of each purpose
/// have their own keys.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait TokenCodec: Send + Sync {
    /// Signs an access token.
    fn sign_access(&self, claims: &AccessClaims) -> Result<SecretString, PortError>;

    /// Signs a refresh token.
    fn sign_refresh(&self, claims: &RefreshClaims) -> Result<SecretString, PortError>;

    /// Signs a ticket, with a key that is not published.
    fn sign_ticket(&self, claims: &TicketClaims) -> Result<SecretString, PortError>;

    /// Reads a ticket for this purpose that is valid at `at`.
    fn verify_ticket(
        &self,
        token: &str,
        purpose: TicketPurpose,
        at: Timestamp,
    ) -> Result<TicketClaims, InvalidToken>;

    /// Reads an access token that is valid at `at`.
    fn verify_access(&self, token: &str, at: Timestamp) -> Result<AccessClaims, InvalidToken>;

    /// Reads a refresh token that is valid at `at`.
    fn verify_refresh(&self, token: &str, at: Timestamp) -> Result<RefreshClaims, InvalidToken>;

    /// The public keys with which others can verify access tokens: one for each key whose tokens
    /// [`verify_access`](Self::verify_access) accepts, that of new tokens first. MUST NOT contain a
    /// key that can sign, so a symmetric algorithm has no key here.
    fn public_keys(&self) -> Vec<PublicKey>;
}
