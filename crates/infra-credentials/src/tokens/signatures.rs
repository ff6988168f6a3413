//! The algorithms: HS256 (RFC 7518 §3.2), ES256 (§3.4) and `EdDSA` with Ed25519 (RFC 8037).

use ed25519_dalek as ed25519;
use hmac::{Hmac, KeyInit as _, Mac as _};
use p256::ecdsa;
use p256::ecdsa::signature::{Error, Signer as _, Verifier as _};
use sha2::Sha256;

/// Makes signatures.
#[derive(Clone)]
pub(super) enum Signer {
    Hs256(Hs256),
    EdDsa(Box<ed25519::SigningKey>),
    Es256(Box<ecdsa::SigningKey>),
}

/// Checks signatures.
#[derive(Clone)]
pub(super) enum Verifier {
    Hs256(Hs256),
    EdDsa(Box<ed25519::VerifyingKey>),
    Es256(Box<ecdsa::VerifyingKey>),
}

/// The state after the key: reading the key once is half of the work for a short message.
#[derive(Clone)]
pub(super) struct Hs256(Hmac<Sha256>);

impl Hs256 {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        #[expect(clippy::expect_used, reason = "its only error is a length, and HMAC takes any")]
        Self(Hmac::new_from_slice(key).expect("HMAC takes a key of any length"))
    }

    fn over(&self, message: &[u8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(message)
    }
}

impl Signer {
    /// The signature as it stands in a token, before it is encoded.
    ///
    /// # Errors
    /// ES256 has a nonce that does not work, with a probability of nought for all that matters.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(match self {
            Self::Hs256(key) => key.over(message).finalize().into_bytes().to_vec(),
            Self::EdDsa(key) => key.sign(message).to_vec(),
            Self::Es256(key) => {
                let signature: ecdsa::Signature = key.try_sign(message)?;
                signature.to_bytes().to_vec()
            }
        })
    }

    /// What checks what this makes.
    pub(super) fn verifier(&self) -> Verifier {
        match self {
            Self::Hs256(key) => Verifier::Hs256(key.clone()),
            Self::EdDsa(key) => Verifier::EdDsa(Box::new(key.verifying_key())),
            Self::Es256(key) => Verifier::Es256(Box::new(*key.verifying_key())),
        }
    }
}

impl Verifier {
    /// `alg` (RFC 7515 §4.1.1).
    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Hs256(_) => "HS256",
            Self::EdDsa(_) => "EdDSA",
            Self::Es256(_) => "ES256",
        }
    }

    /// Whether a signature is right, and of exactly its length. In constant time where the key is
    /// secret.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Hs256(key) => key.over(message).verify_slice(signature).is_ok(),
            // Strict: one message and key have one signature (RFC 8032 §8.4).
            Self::EdDsa(key) => ed25519::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            Self::Es256(key) => ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }
}
