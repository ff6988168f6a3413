//! Keys that are derived from the signing secret, for what is kept in the database.

use std::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use menjin_domain::common::PortError;
use menjin_domain::one_time::{OneTimeToken, Purpose, TokenMaker, TokenSeed};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::random::{fill, hex};

/// The length of the id of a key, in hexadecimal digits.
pub(crate) const KEY_ID: usize = 16;

/// Keys by purpose, derived with HKDF-SHA256 (RFC 5869) from `auth.secret` and from the secrets that
/// only verify. What was made with an older secret can be read for as long as that secret is listed:
/// each row in the database names its key by an id.
pub struct DerivedKeys {
    /// The current one comes first.
    secrets: Vec<(String, Hkdf<Sha256>)>,
}

impl fmt::Debug for DerivedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.secrets.iter().map(|(id, _)| id).collect();
        f.debug_struct("DerivedKeys").field("ids", &ids).finish_non_exhaustive()
    }
}

impl DerivedKeys {
    /// Of the secret that signs, and of those that only verify.
    pub fn new(secret: &SecretString, verify_only: &[SecretString]) -> Self {
        let secrets = std::iter::once(secret).chain(verify_only).map(|secret| {
            let hkdf = Hkdf::<Sha256>::new(None, secret.expose_secret().as_bytes());
            // A separate output: it tells which secret it was, and nothing about any key.
            let id = expand::<{ KEY_ID / 2 }>(&hkdf, "menjin/v1/derived/id");
            (hex(&*id), hkdf)
        });
        Self { secrets: secrets.collect() }
    }

    /// The ids of all keys, the current one first.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(|(id, _)| id.as_str())
    }

    /// The key for a purpose, of the current secret, and its id.
    pub(crate) fn newest(&self, purpose: &str) -> Option<(&str, Zeroizing<[u8; 32]>)> {
        let (id, hkdf) = self.secrets.first()?;
        Some((id, expand(hkdf, purpose)))
    }

    /// The key for a purpose, of the secret with this id.
    pub(crate) fn key(&self, id: &str, purpose: &str) -> Option<Zeroizing<[u8; 32]>> {
        let (_, hkdf) = self.secrets.iter().find(|(known, _)| known == id)?;
        Some(expand(hkdf, purpose))
    }
}

fn expand<const N: usize>(hkdf: &Hkdf<Sha256>, purpose: &str) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 255 * 32, "RFC 5869 §2.3") };
    let mut output = Zeroizing::new([0; N]);
    #[expect(clippy::expect_used, reason = "its only error is a length that is excluded above")]
    hkdf.expand(purpose.as_bytes(), &mut *output).expect("HKDF can give as many bytes");
    output
}

/// A token is HMAC-SHA-256 over the random bytes of its row, with a key of its purpose. Whoever can
/// read the database has the random bytes and not the key.
impl TokenMaker for DerivedKeys {
    fn seed(&self) -> Result<TokenSeed, PortError> {
        let mut random = [0; 32];
        fill(&mut random)?;
        let key_id = self.secrets.first().map(|(id, _)| id.clone()).unwrap_or_default();
        Ok(TokenSeed { random: hex(&random), key_id })
    }

    fn token(&self, seed: &TokenSeed, purpose: Purpose) -> Option<OneTimeToken> {
        let purpose = format!("menjin/v1/one-time-token/{}", purpose.as_str());
        let key = self.key(&seed.key_id, &purpose)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&*key).ok()?;
        mac.update(seed.random.as_bytes());
        Some(OneTimeToken::from_bytes(&mac.finalize().into_bytes().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secret: &str, older: &[&str]) -> DerivedKeys {
        let older: Vec<SecretString> = older.iter().map(|text| (*text).into()).collect();
        DerivedKeys::new(&secret.into(), &older)
    }

    #[test]
    fn m10_the_token_of_a_row_is_the_same_at_each_try_and_another_for_each_purpose() {
        let maker = keys("one secret of at least 32 bytes…", &[]);
        let seed = maker.seed().unwrap();
        let token = |purpose| maker.token(&seed, purpose).unwrap();
        let reset = token(Purpose::ResetPassword);
        assert_eq!(reset.digest(), token(Purpose::ResetPassword).digest());
        assert_ne!(reset.digest(), token(Purpose::VerifyEmail).digest());
        let other = maker.token(&maker.seed().unwrap(), Purpose::ResetPassword).unwrap();
        assert_ne!(reset.digest(), other.digest());
        assert_eq!(reset.expose().len(), OneTimeToken::LENGTH);
    }

    #[test]
    fn m10_tokens_outlive_a_change_of_the_secret_while_the_old_one_is_listed() {
        let old = keys("the old secret, at least 32 bytes", &[]);
        let seed = old.seed().unwrap();
        let token = old.token(&seed, Purpose::ResetPassword).unwrap();
        let changed =
            keys("the new secret, at least 32 bytes", &["the old secret, at least 32 bytes"]);
        assert_ne!(changed.seed().unwrap().key_id, seed.key_id, "the new one is used from now on");
        let same = changed.token(&seed, Purpose::ResetPassword).unwrap();
        assert_eq!(same.digest(), token.digest());
        let forgotten = keys("the new secret, at least 32 bytes", &[]);
        assert!(forgotten.token(&seed, Purpose::ResetPassword).is_none());
    }

    #[test]
    fn k1_keys_show_nothing_but_their_ids() {
        let maker = keys("canary canary canary canary canary", &[]);
        let shown = format!("{maker:?} {:?}", maker.seed().unwrap());
        assert!(!shown.contains("canary") && !shown.contains("random"), "{shown}");
    }
}
