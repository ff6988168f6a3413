//! The keys, and the tokens that they sign and verify.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use jsonwebtoken::errors::Error;
use menjin_domain::sessions::{InvalidToken, TicketPurpose};
use secrecy::zeroize::Zeroize;
use sha2::Sha256;

use super::access_keys::{AccessKey, PublicAccessKey};
use super::invalid;
use super::signatures::{Signer, Verifier};

/// The purpose of a token. Each kind has its own keys (RFC 8725 §3.11 and §3.12), so that a token
/// of one kind cannot pass for the other even if a check of `typ` is forgotten.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Access,
    /// An access token of somebody who may do next to nothing yet.
    Restricted,
    Refresh,
    Ticket(TicketPurpose),
}

impl Kind {
    /// `typ`: that of RFC 9068 §2.1 for access tokens, and one of the same form for others.
    fn media_type(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Restricted => "restricted+jwt",
            Self::Refresh => "rt+jwt",
            Self::Ticket(TicketPurpose::SecondFactor) => "mfa+jwt",
            Self::Ticket(TicketPurpose::SessionLimit) => "sessions+jwt",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Access => "menjin/v1/access",
            Self::Restricted => "menjin/v1/restricted",
            Self::Refresh => "menjin/v1/refresh",
            Self::Ticket(TicketPurpose::SecondFactor) => "menjin/v1/mfa",
            Self::Ticket(TicketPurpose::SessionLimit) => "menjin/v1/sessions",
        }
    }
}

/// The keys of a kind: one signs, all verify. Each key has its own header, because the header
/// contains the key id. So the beginning of a token tells its key.
pub(super) struct Keyring {
    signer: Signer,
    /// The keys whose signatures are accepted. The key of `signer` comes first.
    keys: Vec<Key>,
}

impl Keyring {
    pub(super) fn new(
        (signer, own): (Signer, Key),
        verify_only: impl Iterator<Item = Key>,
    ) -> Self {
        Self { signer, keys: std::iter::once(own).chain(verify_only).collect() }
    }

    /// Makes a token (RFC 7515 §7.1) of claims in JSON.
    pub(super) fn seal(&self, claims: &[u8]) -> Result<String, Error> {
        let mut token = self.keys.first().map(|key| key.header.clone()).unwrap_or_default();
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.signer.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&signature);
        Ok(token)
    }

    /// Verifies a token of any of the keys, and returns its claims in JSON. Nothing is decoded
    /// before its signature is verified.
    pub(super) fn open(&self, token: &str) -> Result<Vec<u8>, InvalidToken> {
        self.keys
            .iter()
            .find_map(|key| token.strip_prefix(&key.header).map(|rest| key.open(token, rest)))
            .unwrap_or(Err(invalid(
                "not a header of ours: other key, kind, algorithm or extension",
            )))
    }

    /// Whether a token begins as those of one of the keys do.
    pub(super) fn begins(&self, token: &str) -> bool {
        self.keys.iter().any(|key| token.starts_with(&key.header))
    }

    /// Whether two of the keys are the same.
    pub(super) fn repeats_itself(&self) -> bool {
        let mut headers: Vec<&str> = self.keys.iter().map(|key| key.header.as_str()).collect();
        headers.sort_unstable();
        headers.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
    }
}

/// A key, and the header of every token that it signs.
pub(super) struct Key {
    /// The encoded header, with the full stop that ends it.
    header: String,
    verifier: Verifier,
}

impl Key {
    fn new(verifier: Verifier, kind: Kind, id: &str) -> Self {
        let (alg, typ) = (verifier.algorithm(), kind.media_type());
        let header = format!(r#"{{"alg":"{alg}","typ":"{typ}","kid":"{id}"}}"#);
        Self { header: URL_SAFE_NO_PAD.encode(header) + ".", verifier }
    }

    /// Derives the key of a kind, and its id, with HKDF-SHA256 (RFC 5869). The id is a separate
    /// output: it tells which secret was used, but nothing about the key.
    pub(super) fn derive(secret: &[u8], kind: Kind) -> (Signer, Self) {
        let hkdf = Hkdf::<Sha256>::new(None, secret);
        let mut key = expand::<32>(&hkdf, &[kind.label()]);
        let id = u64::from_be_bytes(expand(&hkdf, &[kind.label(), "/kid"]));
        let (signer, verifier) = Signer::hs256(&key);
        key.zeroize();
        (signer, Self::new(verifier, kind, &format!("{id:016x}")))
    }

    /// A key that signs access tokens.
    pub(super) fn of_access_key(key: &AccessKey) -> (Signer, Self) {
        (key.signer.clone(), Self::of_public_key(key.public()))
    }

    /// A key that verifies access tokens.
    pub(super) fn of_public_key(key: &PublicAccessKey) -> Self {
        Self::new(key.verifier.clone(), Kind::Access, key.id())
    }

    /// Verifies a token that begins with this key's header; `rest` is what follows the header.
    fn open(&self, token: &str, rest: &str) -> Result<Vec<u8>, InvalidToken> {
        let Some((claims, signature)) = rest.split_once('.') else {
            return Err(invalid("not three parts"));
        };
        let (signed, _) = token.split_at(self.header.len() + claims.len());
        if !self.verifier.verifies(signed.as_bytes(), signature) {
            return Err(invalid("wrong signature"));
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
