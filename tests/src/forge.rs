//! Tokens that an attacker could make, with a key or with something else in place of a key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::Value;
use sha2::Sha256;

/// Published private keys, as PEM: those of RFC 8037 (A.1, Ed25519) and RFC 7515 (A.3.1, P-256).
pub const ED25519: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----";
/// The key of RFC 7515.
pub const P256: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff
H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp
7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt
-----END PRIVATE KEY-----";

/// A key that signs.
pub struct Forger {
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Forger {
    /// The key of access tokens if `auth.secret` is this.
    pub fn of_secret(secret: &str) -> Self {
        let mut key = [0; 32];
        let hkdf = Hkdf::<Sha256>::new(None, secret.as_bytes());
        hkdf.expand(b"menjin/v1/access", &mut key).unwrap();
        Self::of_bytes(&key)
    }

    /// A key of HS256.
    pub fn of_bytes(key: &[u8]) -> Self {
        Self { algorithm: Algorithm::HS256, key: EncodingKey::from_secret(key) }
    }

    /// The key of access tokens if `auth.access_key` is [`ED25519`] or [`P256`].
    pub fn of_pem(pem: &str) -> Self {
        let lines = pem.lines().filter(|line| !line.starts_with('-'));
        let der = STANDARD.decode(lines.collect::<String>()).unwrap();
        if pem == ED25519 {
            Self { algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(&der) }
        } else {
            Self { algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(&der) }
        }
    }

    /// A token with this header and these claims, each any JSON.
    pub fn sign(&self, header: &str, claims: &str) -> String {
        let message = [header, claims].map(|json| URL_SAFE_NO_PAD.encode(json)).join(".");
        let signature = crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

/// Header and claims of a token.
pub fn parts(token: &str) -> [String; 2] {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    [(); 2].map(|()| String::from_utf8(parts.next().unwrap()).unwrap())
}

/// An object with this member, or without it for `None`.
pub fn with(json: &str, name: &str, value: Option<Value>) -> String {
    let mut object: serde_json::Map<String, Value> = serde_json::from_str(json).unwrap();
    match value {
        Some(value) => drop(object.insert(name.to_owned(), value)),
        None => drop(object.remove(name)),
    }
    serde_json::to_string(&object).unwrap()
}
