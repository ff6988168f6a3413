//! The keys, and what a signature is made over.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use menjin_domain::ports::InvalidToken;
use secrecy::zeroize::Zeroize;
use sha2::Sha256;

use super::invalid;

/// What a token is for. Each kind has keys of its own (RFC 8725 §3.11 and §3.12), so that one
/// cannot pass for the other even where a check of `typ` is forgotten.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Access,
    Refresh,
}

impl Kind {
    /// `typ`: that of RFC 9068 §2.1, and one of the same build.
    fn media_type(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Refresh => "rt+jwt",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Access => "menjin/v1/access",
            Self::Refresh => "menjin/v1/refresh",
        }
    }
}

/// The keys of a kind: one signs, all verify. Each writes a header of its own, since the key's id is
/// in it, so that a token names its key by what it begins with.
pub(super) struct Keyring {
    active: Key,
    verify_only: Vec<Key>,
}

impl Keyring {
    pub(super) fn new(active: Key, verify_only: Vec<Key>) -> Self {
        Self { active, verify_only }
    }

    /// Signs with the active key.
    pub(super) fn seal(&self, claims: &[u8]) -> jsonwebtoken::errors::Result<String> {
        self.active.seal(claims)
    }

    /// Reads a token of any of the keys, down to its claims in JSON. Nothing is decoded that was not
    /// signed.
    pub(super) fn open(&self, token: &str) -> Result<Vec<u8>, InvalidToken> {
        std::iter::once(&self.active)
            .chain(&self.verify_only)
            .find_map(|key| token.strip_prefix(&key.header).map(|rest| key.open(token, rest)))
            .unwrap_or(Err(invalid(
                "not a header of ours: other key, kind, algorithm or extension",
            )))
    }
}

/// A key, and the header of every token that is signed with it.
pub(super) struct Key {
    /// Encoded, with the full stop that ends it.
    header: String,
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl Key {
    /// Derives the key of a kind, and its id, with HKDF-SHA256 (RFC 5869). The id is an output of
    /// its own: it says which secret was used, and nothing about the key.
    pub(super) fn derive(secret: &[u8], kind: Kind) -> Self {
        let hkdf = Hkdf::<Sha256>::new(None, secret);
        let mut key = expand::<32>(&hkdf, &[kind.label()]);
        let id = u64::from_be_bytes(expand(&hkdf, &[kind.label(), "/kid"]));
        let header =
            format!(r#"{{"alg":"HS256","typ":"{}","kid":"{id:016x}"}}"#, kind.media_type());
        let derived = Self {
            header: URL_SAFE_NO_PAD.encode(header) + ".",
            signing: EncodingKey::from_secret(&key),
            verifying: DecodingKey::from_secret(&key),
        };
        key.zeroize();
        derived
    }

    /// Makes a token (RFC 7515 §7.1) of claims in JSON.
    fn seal(&self, claims: &[u8]) -> jsonwebtoken::errors::Result<String> {
        let mut token = self.header.clone();
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = crypto::sign(token.as_bytes(), &self.signing, Algorithm::HS256)?;
        token.push('.');
        token.push_str(&signature);
        Ok(token)
    }

    /// Reads a token that begins with this key's header, after which `rest` comes.
    fn open(&self, token: &str, rest: &str) -> Result<Vec<u8>, InvalidToken> {
        let Some((claims, signature)) = rest.split_once('.') else {
            return Err(invalid("not three parts"));
        };
        let (signed, _) = token.split_at(self.header.len() + claims.len());
        // An error is a signature that is no base64url; it has the same answer as a wrong one.
        match crypto::verify(signature, signed.as_bytes(), &self.verifying, Algorithm::HS256) {
            Ok(true) => {}
            Ok(false) | Err(_) => return Err(invalid("wrong signature")),
        }
        URL_SAFE_NO_PAD.decode(claims).or(Err(invalid("the claims are no base64url")))
    }
}

fn expand<const N: usize>(hkdf: &Hkdf<Sha256>, info: &[&str]) -> [u8; N] {
    const { assert!(N <= 255 * 32, "RFC 5869 §2.3") };
    let mut output = [0; N];
    let info: Vec<&[u8]> = info.iter().map(|part| part.as_bytes()).collect();
    #[expect(clippy::expect_used, reason = "its only error is a length that is excluded above")]
    hkdf.expand_multi_info(&info, &mut output).expect("HKDF can give as many bytes");
    output
}
