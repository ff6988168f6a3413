//! Signed tokens: JWTs (RFC 7519), read as RFC 8725 asks.

mod access_keys;
mod claims;
mod keys;
mod signatures;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::Duration;

use chrono::DateTime;
use menjin_domain::common::{PortError, SessionId, Timestamp};
use menjin_domain::credentials::CredentialVersion;
use menjin_domain::sessions::{
    AccessClaims, Generation, InvalidToken, PublicKey, RefreshClaims, TICKET_TTL, TicketClaims,
    TicketPurpose, TokenCodec,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

pub use self::access_keys::{AccessKey, AccessKeyKind, PublicAccessKey, UnusableKey};

use self::claims::{Access, Refresh, Subject, Ticket};
use self::keys::{Key, Keyring, Kind};

const COMPONENT: &str = "tokens";

/// Far longer than any token of ours, and short enough to be hashed at little cost.
const MAX_LENGTH: usize = 4096;

/// How long after its `exp` a token is still accepted, in seconds.
const LEEWAY: i64 = 5;

/// How far the clock of the replica that issued a token may be ahead, in seconds. It is more than
/// the leeway: a token from the future is no threat, since its lifetime is bounded all the same.
/// Refusing it would log out the users of a replica whose clock is slightly wrong.
const CLOCK_SKEW: i64 = 30;

/// The keys that sign tokens, and what tokens say about their issuer.
#[derive(Debug, Clone)]
pub struct JwtConfig {
    /// At least 32 bytes that nobody can guess, such as those of
    /// [`random_secret`](crate::random_secret). The signing keys are derived from it.
    pub secret: SecretString,
    /// More secrets whose tokens are accepted. None of them signs. They serve to change `secret`
    /// while several processes are running: see [`JwtCodec`].
    pub verify_only_secrets: Vec<SecretString>,
    /// The key that signs access tokens if others are to verify them. `None`: HS256, with a key
    /// derived from `secret`. Refresh tokens concern nobody else, so a key derived from `secret`
    /// always signs them.
    pub access_key: Option<AccessKey>,
    /// Keys of other access tokens that are accepted. With an access key, HS256 is refused unless
    /// it is listed here: otherwise the secret could still sign tokens that others accept because
    /// they trust the key.
    pub verify_only_access_keys: Vec<AccessVerifier>,
    /// `iss`: who issues tokens.
    pub issuer: String,
    /// `aud`: whom they are for.
    pub audience: String,
    /// The longest lifetime of an access token. When it signs a token for longer, the codec
    /// shortens it; when it reads a token with a longer lifetime, the codec refuses it.
    pub access_ttl: Duration,
    /// The same for a refresh token: the lifetime of a session.
    pub refresh_ttl: Duration,
}

/// A key that verifies access tokens, and signs none.
#[derive(Debug, Clone)]
pub enum AccessVerifier {
    /// The keys that verify if there is no [`JwtConfig::access_key`]: HS256, with keys derived from
    /// `secret` and `verify_only_secrets`.
    Secrets,
    /// A public key.
    Key(Box<PublicAccessKey>),
}

/// Why the secrets and keys cannot be used. The error shows nothing of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// A secret has fewer bytes than HS256 requires of its key (RFC 7518 §3.2).
    #[error("a signing secret must have at least {} bytes", SecretError::MIN_BYTES)]
    TooShort,
    /// A secret or key is configured twice. To remove it in one place would not retire it.
    #[error("a signing secret or key is given twice")]
    Repeated,
}

impl SecretError {
    /// The least number of bytes of a secret.
    pub const MIN_BYTES: usize = 32;
}

/// Signs and reads tokens.
///
/// A token is accepted only if its header is byte for byte one that this codec writes for a key
/// that it knows. That decides the algorithm, the type, the key id, and the absence of `crit`,
/// `jku`, `jwk`, `x5u` and everything else that a header may hold, before anything is decoded. Then
/// the signature is verified. Only then are the claims parsed:
///
/// * all must be present, once, and of their type; `exp` and `iat` are integers; unknown claims are
///   ignored (RFC 7519 §4);
/// * `iss` and `aud` are exactly the configured ones (an array of audiences is refused);
/// * `iat` is at most 30 s in the future, `exp` at most 5 s in the past, and `exp` is later than
///   `iat` by at most the configured lifetime.
///
/// `jsonwebtoken` only signs and verifies. Its own checks of claims accept too much (a float as
/// `exp`, any `typ`, 60 s of leeway).
///
/// Access tokens, restricted ones, refresh tokens and tickets of each purpose have their own key, key id and
/// `typ`. All but access tokens are signed with HS256. Access tokens are signed with HS256 too, or with `EdDSA` or ES256 if there is an
/// access key.
///
/// Of several secrets or keys one signs, and the tokens of all are accepted. The key id tells which
/// one signed; it is derived from the secret or key, so that nobody needs to name keys. Processes
/// that share their sessions get a new secret or key in three steps, each done on all processes
/// before the next one begins: the new one verifies only; the new one signs, and the old one
/// verifies only; the new one remains alone, once the last token of the old one has expired.
pub struct JwtCodec {
    issuer: String,
    audience: String,
    access: TokenKind,
    restricted: TokenKind,
    refresh: TokenKind,
    factor_tickets: TokenKind,
    session_tickets: TokenKind,
    public_keys: Vec<PublicKey>,
}

struct TokenKind {
    keys: Keyring,
    max_lifetime: i64,
}

impl JwtCodec {
    /// Derives the keys.
    ///
    /// # Errors
    /// A secret is too short, or a secret or key is configured twice.
    pub fn new(config: JwtConfig) -> Result<Self, SecretError> {
        let secrets = std::iter::once(&config.secret).chain(&config.verify_only_secrets);
        if secrets.clone().any(|secret| secret.expose_secret().len() < SecretError::MIN_BYTES) {
            return Err(SecretError::TooShort);
        }
        let derive =
            |secret: &SecretString, kind| Key::derive(secret.expose_secret().as_bytes(), kind);
        let derived = |kind| secrets.clone().map(move |secret| derive(secret, kind).1);
        let of_secrets = |kind| Keyring::new(derive(&config.secret, kind), derived(kind).skip(1));
        let (restricted, refresh) = (of_secrets(Kind::Restricted), of_secrets(Kind::Refresh));
        let others = config.verify_only_access_keys.iter().flat_map(|other| match other {
            AccessVerifier::Secrets => derived(Kind::Access).collect(),
            AccessVerifier::Key(key) => vec![Key::of_public_key(key)],
        });
        let access = match &config.access_key {
            Some(key) => Keyring::new(Key::of_access_key(key), others),
            None => Keyring::new(
                derive(&config.secret, Kind::Access),
                derived(Kind::Access).skip(1).chain(others),
            ),
        };
        if access.repeats_itself() || refresh.repeats_itself() {
            return Err(SecretError::Repeated);
        }
        let public = config.verify_only_access_keys.iter().filter_map(|other| match other {
            AccessVerifier::Secrets => None,
            AccessVerifier::Key(key) => Some(&**key),
        });
        let public = config.access_key.iter().map(AccessKey::public).chain(public);
        let kind = |keys, ttl: Duration| TokenKind {
            keys,
            max_lifetime: i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX),
        };
        let ticket = |purpose| kind(of_secrets(Kind::Ticket(purpose)), TICKET_TTL);
        Ok(Self {
            public_keys: public.map(|key| key.key.clone()).collect(),
            access: kind(access, config.access_ttl),
            restricted: kind(restricted, config.access_ttl),
            refresh: kind(refresh, config.refresh_ttl),
            factor_tickets: ticket(TicketPurpose::SecondFactor),
            session_tickets: ticket(TicketPurpose::SessionLimit),
            issuer: config.issuer,
            audience: config.audience,
        })
    }
}

impl TokenCodec for JwtCodec {
    fn sign_access(&self, claims: &AccessClaims) -> Result<SecretString, PortError> {
        let kind = if claims.is_restricted { &self.restricted } else { &self.access };
        let (iat, exp) = kind.times(claims.issued_at, claims.expires_at);
        kind.sign(&Access {
            iss: Cow::Borrowed(&self.issuer),
            aud: Cow::Borrowed(&self.audience),
            sub: Subject(claims.user_id),
            sid: claims.session_id.0,
            jti: claims.token_id,
            iat,
            exp,
            role: claims.role,
        })
    }

    fn sign_refresh(&self, claims: &RefreshClaims) -> Result<SecretString, PortError> {
        let (iat, exp) = self.refresh.times(claims.issued_at, claims.expires_at);
        self.refresh.sign(&Refresh {
            iss: Cow::Borrowed(&self.issuer),
            aud: Cow::Borrowed(&self.audience),
            sub: Subject(claims.user_id),
            sid: claims.session_id.0,
            jti: claims.token_id,
            iat,
            exp,
            r#gen: claims.generation.0,
        })
    }

    fn verify_access(&self, token: &str, at: Timestamp) -> Result<AccessClaims, InvalidToken> {
        let is_restricted = self.restricted.keys.begins(token);
        let kind = if is_restricted { &self.restricted } else { &self.access };
        let json = kind.open(token)?;
        let claims: Access<'_> = parse(&json)?;
        self.check_parties(&claims.iss, &claims.aud)?;
        let (issued_at, expires_at) = kind.check_times(claims.iat, claims.exp, at)?;
        Ok(AccessClaims {
            user_id: claims.sub.0,
            session_id: SessionId(claims.sid),
            role: claims.role,
            token_id: claims.jti,
            issued_at,
            expires_at,
            is_restricted,
        })
    }

    fn verify_refresh(&self, token: &str, at: Timestamp) -> Result<RefreshClaims, InvalidToken> {
        let json = self.refresh.open(token)?;
        let claims: Refresh<'_> = parse(&json)?;
        self.check_parties(&claims.iss, &claims.aud)?;
        let (issued_at, expires_at) = self.refresh.check_times(claims.iat, claims.exp, at)?;
        Ok(RefreshClaims {
            user_id: claims.sub.0,
            session_id: SessionId(claims.sid),
            generation: Generation(claims.r#gen),
            token_id: claims.jti,
            issued_at,
            expires_at,
        })
    }

    fn sign_ticket(&self, claims: &TicketClaims) -> Result<SecretString, PortError> {
        let kind = self.tickets(claims.purpose);
        let (iat, exp) = kind.times(claims.issued_at, claims.expires_at);
        kind.sign(&Ticket {
            iss: Cow::Borrowed(&self.issuer),
            aud: Cow::Borrowed(&self.audience),
            sub: Subject(claims.user_id),
            jti: claims.token_id,
            iat,
            exp,
            ver: claims.version.0,
        })
    }

    fn verify_ticket(
        &self,
        token: &str,
        purpose: TicketPurpose,
        at: Timestamp,
    ) -> Result<TicketClaims, InvalidToken> {
        let kind = self.tickets(purpose);
        let json = kind.open(token)?;
        let claims: Ticket<'_> = parse(&json)?;
        self.check_parties(&claims.iss, &claims.aud)?;
        let (issued_at, expires_at) = kind.check_times(claims.iat, claims.exp, at)?;
        Ok(TicketClaims {
            purpose,
            user_id: claims.sub.0,
            version: CredentialVersion(claims.ver),
            token_id: claims.jti,
            issued_at,
            expires_at,
        })
    }

    fn public_keys(&self) -> Vec<PublicKey> {
        self.public_keys.clone()
    }
}

impl JwtCodec {
    fn tickets(&self, purpose: TicketPurpose) -> &TokenKind {
        match purpose {
            TicketPurpose::SecondFactor => &self.factor_tickets,
            TicketPurpose::SessionLimit => &self.session_tickets,
        }
    }

    fn check_parties(&self, issuer: &str, audience: &str) -> Result<(), InvalidToken> {
        if issuer != self.issuer {
            return Err(invalid("another issuer"));
        }
        if audience != self.audience {
            return Err(invalid("another audience"));
        }
        Ok(())
    }
}

impl TokenKind {
    fn sign(&self, claims: &impl Serialize) -> Result<SecretString, PortError> {
        let json =
            serde_json::to_vec(claims).map_err(|error| PortError::internal(COMPONENT, error))?;
        let token = self.keys.seal(&json);
        token.map(SecretString::from).map_err(|error| PortError::internal(COMPONENT, error))
    }

    /// Returns `iat` and `exp`. The lifetime is shortened here, because a reader would refuse it
    /// otherwise: a session that was begun by a replica whose clock is ahead ends later than a full
    /// lifetime from now.
    fn times(&self, issued_at: Timestamp, expires_at: Timestamp) -> (i64, i64) {
        let iat = issued_at.timestamp();
        (iat, expires_at.timestamp().min(iat.saturating_add(self.max_lifetime)))
    }

    fn open(&self, token: &str) -> Result<Vec<u8>, InvalidToken> {
        if token.len() > MAX_LENGTH {
            return Err(invalid("too long"));
        }
        self.keys.open(token)
    }

    /// Returns `iat` and `exp`. The arithmetic saturates, since a signed claim may hold any
    /// integer.
    fn check_times(
        &self,
        iat: i64,
        exp: i64,
        at: Timestamp,
    ) -> Result<(Timestamp, Timestamp), InvalidToken> {
        let now = at.timestamp();
        if iat < 0 || exp <= iat || exp.saturating_sub(iat) > self.max_lifetime {
            return Err(invalid("no such lifetime"));
        }
        if iat > now.saturating_add(CLOCK_SKEW) {
            return Err(invalid("issued in the future"));
        }
        if exp <= now.saturating_sub(LEEWAY) {
            return Err(invalid("expired"));
        }
        match (DateTime::from_timestamp(iat, 0), DateTime::from_timestamp(exp, 0)) {
            (Some(issued_at), Some(expires_at)) => Ok((issued_at, expires_at)),
            _ => Err(invalid("no such time")),
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, InvalidToken> {
    serde_json::from_slice(json).or(Err(invalid("a claim is missing or not of its type")))
}

fn invalid(reason: &'static str) -> InvalidToken {
    InvalidToken { reason }
}
