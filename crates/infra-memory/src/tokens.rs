//! A cache of access tokens whose signatures were verified.

use std::fmt;
use std::sync::Arc;

use menjin_domain::common::{PortError, Timestamp};
use menjin_domain::sessions::{
    AccessClaims, InvalidToken, PublicKey, RefreshClaims, TicketClaims, TicketPurpose, TokenCodec,
};
use secrecy::SecretString;
use siphasher::sip128::SipHasher24;

use crate::shards::Shards;

/// Longer tokens are not looked up: hashing them would cost more than refusing them.
const MAX_LENGTH: usize = 4096;

/// Remembers the claims of access tokens that were verified, so that the signature of a token is
/// verified once and not with every request.
///
/// A verified token stays verified: the keys are fixed for as long as the codec lives, and this
/// cache lives with the codec. Only time goes on, and is checked at each lookup: before a token's
/// `iat`, and from its `exp` on, the codec is asked again, since it knows its leeway. A token does
/// not say whether its session is live; that is checked elsewhere with every request.
///
/// Only tokens that the codec accepted are remembered. Forged tokens leave no trace here, so that
/// nobody can displace the tokens of others with them. Refresh tokens are not kept either, since
/// they are used once.
///
/// A token is known by a 128-bit hash of all its bytes, computed by SipHash-2-4 with a random key.
/// `SipHash` is a pseudo-random function: without the key nobody can find another text with the hash
/// of a token, and a guess succeeds with a probability of 2⁻¹²⁸. The key and the hashes never leave
/// the process. So the time of a lookup (whether a hash is there, or how far two hashes agree)
/// reveals something only about numbers that nobody can compute or choose. Hence no part of the
/// lookup needs constant time. No token stays in memory: what is kept could not be presented to
/// anybody.
pub struct CachedTokens {
    codec: Arc<dyn TokenCodec>,
    genuine: Shards<u128, AccessClaims>,
    hasher: SipHasher24,
}

impl CachedTokens {
    /// Remembers at most about this many tokens of this codec. The key must be random, and must not
    /// be used for anything else.
    pub fn new(codec: Arc<dyn TokenCodec>, capacity: usize, key: [u8; 16]) -> Self {
        let hasher = SipHasher24::new_with_key(&key);
        Self { codec, genuine: Shards::new(capacity), hasher }
    }
}

impl TokenCodec for CachedTokens {
    fn sign_access(&self, claims: &AccessClaims) -> Result<SecretString, PortError> {
        self.codec.sign_access(claims)
    }

    fn sign_refresh(&self, claims: &RefreshClaims) -> Result<SecretString, PortError> {
        self.codec.sign_refresh(claims)
    }

    fn sign_ticket(&self, claims: &TicketClaims) -> Result<SecretString, PortError> {
        self.codec.sign_ticket(claims)
    }

    fn verify_ticket(
        &self,
        token: &str,
        purpose: TicketPurpose,
        at: Timestamp,
    ) -> Result<TicketClaims, InvalidToken> {
        self.codec.verify_ticket(token, purpose, at)
    }

    fn verify_access(&self, token: &str, at: Timestamp) -> Result<AccessClaims, InvalidToken> {
        if token.len() > MAX_LENGTH {
            return self.codec.verify_access(token, at);
        }
        let id = self.hasher.hash(token.as_bytes()).as_u128();
        // Outside of these bounds the codec decides, since it knows its leeway.
        let is_current = |claims: &AccessClaims| claims.issued_at <= at && at < claims.expires_at;
        let known = |claims: &AccessClaims| is_current(claims).then(|| claims.clone());
        if let Some(claims) = self.genuine.read(&id, known) {
            return Ok(claims);
        }
        let claims = self.codec.verify_access(token, at)?;
        self.genuine.insert(id, claims.clone(), is_current);
        Ok(claims)
    }

    fn verify_refresh(&self, token: &str, at: Timestamp) -> Result<RefreshClaims, InvalidToken> {
        self.codec.verify_refresh(token, at)
    }

    fn public_keys(&self) -> Vec<PublicKey> {
        self.codec.public_keys()
    }
}

impl fmt::Debug for CachedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedTokens").field("genuine", &self.genuine).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use menjin_domain::accounts::Role;
    use menjin_domain::common::{SessionId, UserId};
    use menjin_domain::sessions::Generation;
    use menjin_domain::sessions::MockTokenCodec;
    use menjin_domain::sessions::PublicPoint;
    use secrecy::ExposeSecret as _;
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn claims(session: u128) -> AccessClaims {
        AccessClaims {
            user_id: UserId::FIRST,
            session_id: SessionId(Uuid::from_u128(session)),
            role: Role::STUDENT,
            token_id: Uuid::from_u128(1),
            issued_at: at(0),
            expires_at: at(60),
            is_restricted: false,
        }
    }

    /// A codec that knows `one` and `two`, and may be asked this many times.
    fn remembered(times: usize) -> CachedTokens {
        let mut codec = MockTokenCodec::new();
        codec.expect_verify_access().times(times).returning(|token, _at| match token {
            "one" => Ok(claims(1)),
            "two" => Ok(claims(2)),
            _ => Err(InvalidToken { reason: "wrong signature" }),
        });
        CachedTokens::new(Arc::new(codec), 100, [7; 16])
    }

    #[test]
    fn a_token_is_verified_once() {
        let tokens = remembered(2);
        for seconds in [0, 1, 59] {
            assert_eq!(tokens.verify_access("one", at(seconds)).unwrap(), claims(1));
            assert_eq!(tokens.verify_access("two", at(seconds)).unwrap(), claims(2));
        }
    }

    #[test]
    fn t03_what_is_not_genuine_is_never_remembered() {
        let tokens = remembered(7);
        assert!(tokens.verify_access("one", at(1)).is_ok());
        for wrong in ["one ", "One", "on", "", "onf", "onetwo"] {
            assert!(tokens.verify_access(wrong, at(1)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn t09_a_token_that_has_expired_is_the_codecs_to_judge() {
        let tokens = remembered(4);
        assert!(tokens.verify_access("one", at(0)).is_ok());
        // The mock ignores the time. What counts is that it is asked.
        for seconds in [60, 61, -1] {
            assert!(tokens.verify_access("one", at(seconds)).is_ok());
        }
        assert!(tokens.verify_access("one", at(30)).is_ok());
    }

    #[test]
    fn t10_garbage_pushes_no_genuine_token_out() {
        let tokens = remembered(1 + 10_000);
        assert!(tokens.verify_access("one", at(1)).is_ok());
        for number in 0..10_000 {
            assert!(tokens.verify_access(&format!("garbage {number}"), at(1)).is_err());
        }
        assert_eq!(tokens.verify_access("one", at(2)).unwrap(), claims(1));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_does_not_outlast_its_end() {
        let mut codec = MockTokenCodec::new();
        codec.expect_verify_access().returning(|token, at| {
            let claims = claims(token.parse().unwrap());
            Ok(AccessClaims { issued_at: at, expires_at: at + TimeDelta::seconds(1), ..claims })
        });
        let tokens = CachedTokens::new(Arc::new(codec), 6400, [7; 16]);
        for number in 0..100_000 {
            tokens.verify_access(&number.to_string(), at(1)).unwrap();
        }
        assert!(tokens.genuine.len() <= 6400, "{}", tokens.genuine.len());
        for number in 100_000..120_000 {
            tokens.verify_access(&number.to_string(), at(number)).unwrap();
        }
        let few = tokens.genuine.len();
        assert!(few < 3200, "those that are over go: {few}");
    }

    #[test]
    fn t04_refresh_tokens_signing_and_public_keys_are_the_codecs() {
        let refresh = |expires_at| RefreshClaims {
            user_id: UserId::FIRST,
            session_id: SessionId(Uuid::from_u128(1)),
            generation: Generation::FIRST,
            token_id: Uuid::from_u128(2),
            issued_at: at(0),
            expires_at,
        };
        let key = PublicKey { id: "k".into(), point: PublicPoint::Ed25519 { x: [3; 32] } };
        let mut codec = MockTokenCodec::new();
        codec.expect_verify_access().times(1).returning(|_, _| Ok(claims(1)));
        codec.expect_verify_refresh().times(2).returning(move |token, at| match token {
            "refresh" => Ok(refresh(at)),
            _ => Err(InvalidToken { reason: "another kind" }),
        });
        codec.expect_sign_access().return_once(|_| Ok("a".to_owned().into()));
        codec.expect_sign_refresh().return_once(|_| Ok("r".to_owned().into()));
        codec.expect_public_keys().return_const(vec![key.clone()]);
        let tokens = CachedTokens::new(Arc::new(codec), 100, [7; 16]);
        assert!(tokens.verify_access("access", at(1)).is_ok());
        assert!(tokens.verify_refresh("access", at(1)).is_err());
        assert_eq!(tokens.verify_refresh("refresh", at(1)).unwrap(), refresh(at(1)));
        assert_eq!(tokens.sign_access(&claims(1)).unwrap().expose_secret(), "a");
        assert_eq!(tokens.sign_refresh(&refresh(at(1))).unwrap().expose_secret(), "r");
        assert_eq!(tokens.public_keys(), [key]);
    }

    #[test]
    fn what_is_too_long_is_handed_on() {
        let tokens = remembered(2);
        for _ in 0..2 {
            assert!(tokens.verify_access(&"x".repeat(MAX_LENGTH + 1), at(1)).is_err());
        }
    }
}
