//! The algorithms: HS256 (RFC 7518 §3.2), ES256 (§3.4) and `EdDSA` with Ed25519 (RFC 8037).
//! `jsonwebtoken` computes them.

use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};

/// Signs.
#[derive(Clone)]
pub(super) struct Signer {
    algorithm: Algorithm,
    key: EncodingKey,
}

/// Verifies signatures.
#[derive(Clone)]
pub(super) struct Verifier {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Signer {
    /// HS256, with its verifier.
    pub(super) fn hs256(key: &[u8; 32]) -> (Self, Verifier) {
        let signer = Self { algorithm: Algorithm::HS256, key: EncodingKey::from_secret(key) };
        let verifier = Verifier { algorithm: Algorithm::HS256, key: DecodingKey::from_secret(key) };
        (signer, verifier)
    }

    /// `EdDSA`, with an Ed25519 key as PKCS#8.
    pub(super) fn ed25519(pkcs8: &[u8]) -> Self {
        Self { algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(pkcs8) }
    }

    /// ES256, with a P-256 key as PKCS#8.
    pub(super) fn p256(pkcs8: &[u8]) -> Self {
        Self { algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(pkcs8) }
    }

    /// The signature in the form of a token (base64url without padding).
    ///
    /// # Errors
    /// The key cannot be used.
    pub(super) fn sign(&self, message: &[u8]) -> Result<String, Error> {
        crypto::sign(message, &self.key, self.algorithm)
    }
}

impl Verifier {
    /// `EdDSA`, with the 32 bytes of a public key (RFC 8032 §5.1.5).
    pub(super) fn ed25519(public: &[u8; 32]) -> Self {
        Self { algorithm: Algorithm::EdDSA, key: DecodingKey::from_ed_der(public) }
    }

    /// ES256, with an uncompressed point (SEC 1 §2.3.3).
    pub(super) fn p256(point: &[u8]) -> Self {
        Self { algorithm: Algorithm::ES256, key: DecodingKey::from_ec_der(point) }
    }

    /// `alg` (RFC 7515 §4.1.1).
    pub(super) fn algorithm(&self) -> &'static str {
        match self.algorithm {
            Algorithm::EdDSA => "EdDSA",
            Algorithm::ES256 => "ES256",
            _ => "HS256",
        }
    }

    /// Whether a signature in the form of a token is valid. It must have its only valid spelling
    /// and exactly its length. The comparison takes constant time if the key is secret.
    pub(super) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        crypto::verify(signature, message, &self.key, self.algorithm).unwrap_or(false)
    }
}
