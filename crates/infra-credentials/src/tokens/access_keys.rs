//! Key pairs for access tokens that others can verify, in PEM.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek as ed25519;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, KeypairBytes,
};
use menjin_domain::common::PortError;
use menjin_domain::sessions::{PublicKey, PublicPoint};
use p256::ecdsa;
use p256::pkcs8::LineEnding;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use sha2::{Digest, Sha256};

use super::signatures::{Signer, Verifier};
use crate::random;

const COMPONENT: &str = "access keys";

/// The kind of a key. The kind decides the algorithm: a separate setting for the algorithm could
/// only contradict it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessKeyKind {
    /// Ed25519, for `EdDSA`: short and fast.
    Ed25519,
    /// P-256, for ES256: supported by older libraries.
    P256,
}

/// The text is no key that can sign or verify access tokens. The error shows nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the PEM of an Ed25519 or P-256 key, unencrypted, as PKCS#8 or a public key")]
pub struct UnusableKey;

/// A private key. Its debug output shows nothing.
#[derive(Clone)]
pub struct AccessKey {
    private: PrivateKey,
    pub(super) signer: Signer,
    public: PublicAccessKey,
}

#[derive(Clone)]
enum PrivateKey {
    Ed25519(Box<ed25519::SigningKey>),
    P256(Box<ecdsa::SigningKey>),
}

/// The public half of a private key.
#[derive(Clone)]
pub struct PublicAccessKey {
    pub(super) verifier: Verifier,
    pub(super) key: PublicKey,
}

impl AccessKey {
    /// Reads a private key: `-----BEGIN PRIVATE KEY-----`.
    ///
    /// # Errors
    /// The text is no key, a key of another kind, or encrypted.
    pub fn from_pem(pem: &str) -> Result<Self, UnusableKey> {
        let pem = pem.trim();
        let ed25519 =
            || ed25519::SigningKey::from_pkcs8_pem(pem).map(|key| PrivateKey::Ed25519(key.into()));
        let p256 =
            || ecdsa::SigningKey::from_pkcs8_pem(pem).map(|key| PrivateKey::P256(key.into()));
        Self::new(ed25519().or_else(|_other_kind| p256()).or(Err(UnusableKey))?)
    }

    /// Creates a new key.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn generate(kind: AccessKeyKind) -> Result<Self, PortError> {
        let mut seed = Zeroizing::new([0; 32]);
        // One in 2³² seeds is no scalar of P-256; then another seed is drawn.
        loop {
            random::fill(&mut *seed)?;
            let private = match kind {
                AccessKeyKind::Ed25519 => {
                    Ok(PrivateKey::Ed25519(ed25519::SigningKey::from(&*seed).into()))
                }
                AccessKeyKind::P256 => {
                    ecdsa::SigningKey::from_slice(&*seed).map(|key| PrivateKey::P256(key.into()))
                }
            };
            if let Some(key) = private.ok().and_then(|private| Self::new(private).ok()) {
                return Ok(key);
            }
        }
    }

    fn new(private: PrivateKey) -> Result<Self, UnusableKey> {
        let (signer, point) = match &private {
            PrivateKey::Ed25519(key) => {
                let pkcs8 = key.to_pkcs8_der().or(Err(UnusableKey))?;
                (Signer::ed25519(pkcs8.as_bytes()), point_of_ed25519(&key.verifying_key())?)
            }
            PrivateKey::P256(key) => {
                let pkcs8 = key.to_pkcs8_der().or(Err(UnusableKey))?;
                (Signer::p256(pkcs8.as_bytes()), point_of_p256(key.verifying_key())?)
            }
        };
        let public = PublicAccessKey::new(point);
        // The signing library parses the key again. If it cannot parse the key, that shows here and
        // not at a login.
        let signature = signer.sign(b"").or(Err(UnusableKey))?;
        if public.verifier.verifies(b"", &signature) {
            Ok(Self { private, signer, public })
        } else {
            Err(UnusableKey)
        }
    }

    /// Writes the key in the form that [`AccessKey::from_pem`] reads.
    ///
    /// # Errors
    /// The key cannot be encoded, which happens with no known key.
    pub fn to_pem(&self) -> Result<SecretString, PortError> {
        let pem = match &self.private {
            // Without the public half (RFC 5958), because OpenSSL reads no other form.
            PrivateKey::Ed25519(key) => {
                KeypairBytes { secret_key: key.to_bytes(), public_key: None }
                    .to_pkcs8_pem(LineEnding::LF)
            }
            PrivateKey::P256(key) => key.to_pkcs8_pem(LineEnding::LF),
        };
        let pem = pem.map_err(|error| PortError::internal(COMPONENT, error))?;
        Ok(pem.as_str().into())
    }

    /// The half that others may have.
    pub fn public(&self) -> &PublicAccessKey {
        &self.public
    }
}

impl PublicAccessKey {
    /// Reads a public key, `-----BEGIN PUBLIC KEY-----`, or the public half of a private key.
    ///
    /// # Errors
    /// The text is neither, or a key of another kind.
    pub fn from_pem(pem: &str) -> Result<Self, UnusableKey> {
        if let Ok(private) = AccessKey::from_pem(pem) {
            return Ok(private.public);
        }
        let pem = pem.trim();
        let ed25519 = ed25519::VerifyingKey::from_public_key_pem(pem);
        let p256 = || ecdsa::VerifyingKey::from_public_key_pem(pem);
        Ok(Self::new(match ed25519 {
            Ok(key) => point_of_ed25519(&key)?,
            Err(_other_kind) => point_of_p256(&p256().or(Err(UnusableKey))?)?,
        }))
    }

    fn new(point: PublicPoint) -> Self {
        let verifier = match &point {
            PublicPoint::Ed25519 { x } => Verifier::ed25519(x),
            PublicPoint::P256 { x, y } => Verifier::p256(&[&[4], &x[..], &y[..]].concat()),
        };
        Self { verifier, key: PublicKey { id: thumbprint(&point), point } }
    }

    /// The key id in tokens: the thumbprint of the key (RFC 7638).
    pub fn id(&self) -> &str {
        &self.key.id
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccessKey").field(&self.public.id()).finish()
    }
}

impl fmt::Debug for PublicAccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicAccessKey").field(&self.id()).finish()
    }
}

fn point_of_ed25519(key: &ed25519::VerifyingKey) -> Result<PublicPoint, UnusableKey> {
    // A signature by a weak key proves nothing.
    if key.is_weak() { Err(UnusableKey) } else { Ok(PublicPoint::Ed25519 { x: key.to_bytes() }) }
}

fn point_of_p256(key: &ecdsa::VerifyingKey) -> Result<PublicPoint, UnusableKey> {
    let point = key.to_sec1_point(false);
    let (Some(x), Some(y)) = (point.x(), point.y()) else { return Err(UnusableKey) };
    Ok(PublicPoint::P256 { x: (*x).into(), y: (*y).into() })
}

/// RFC 7638 §3: the hash of the required members, in the order of their names, without spaces.
fn thumbprint(point: &PublicPoint) -> String {
    let encode = |bytes: &[u8; 32]| URL_SAFE_NO_PAD.encode(bytes);
    let json = match point {
        PublicPoint::Ed25519 { x } => {
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(x))
        }
        PublicPoint::P256 { x, y } => {
            format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, encode(x), encode(y))
        }
    };
    URL_SAFE_NO_PAD.encode(Sha256::digest(json))
}
