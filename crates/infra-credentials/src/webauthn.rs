//! What authenticators sign: passkeys (WebAuthn Level 3).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek as ed25519;
use menjin_domain::passkeys::{
    Assertion, BadAnswer, ClaimedAnswer, MadePasskey, PasskeyVerifier, RelyingParty,
};
use minicbor::Decoder;
use minicbor::data::Type;
use p256::ecdsa;
use p256::ecdsa::signature::Verifier as _;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use sha2::{Digest as _, Sha256};

/// The bytes of the longest answer that is read. Those with the longest ids have about 6 KiB.
const ANSWER: usize = 16 * 1024;

/// The bytes of the longest id of a passkey (§7.1, step 24).
const CREDENTIAL_ID: usize = 1023;

/// The bytes of the longest user handle (§5.4.3).
const USER_HANDLE: usize = 64;

/// How deep maps and arrays may be in one another (CTAP 2.1 §8).
const NESTING: u8 = 4;

/// The types of client data (§5.8.1).
const CREATE: &str = "webauthn.create";
const GET: &str = "webauthn.get";

/// The flags of authenticator data (§6.1).
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENDED: u8 = 1 << 7;

/// Verifies passkeys with keys ES256 and EdDSA (Ed25519), whose attestation is "none" or their own.
/// Which make an authenticator is of, it does not ask.
#[derive(Debug, Clone, Copy, Default)]
pub struct Webauthn;

impl PasskeyVerifier for Webauthn {
    fn claimed(&self, answer: &str) -> Result<ClaimedAnswer, BadAnswer> {
        let answer: Answer<Claim> = Answer::read(answer)?;
        answer.credential_id()?;
        let client_data = ClientData::read(&decode(&answer.response.client_data)?)?;
        if ![CREATE, GET].contains(&client_data.kind.as_str()) {
            return Err(BadAnswer::Unreadable);
        }
        decode(&client_data.challenge)?;
        // No user has an empty one (§5.4.3): there is none, then.
        let user_handle = answer.response.user_handle.filter(|handle| !handle.is_empty());
        if let Some(handle) = &user_handle
            && decode(handle)?.len() > USER_HANDLE
        {
            return Err(BadAnswer::Unreadable);
        }
        let challenge = client_data.challenge;
        Ok(ClaimedAnswer { challenge, credential_id: answer.id, user_handle })
    }

    fn made(&self, answer: &str, party: &RelyingParty) -> Result<MadePasskey, BadAnswer> {
        let answer: Answer<Creation> = Answer::read(answer)?;
        let id = answer.credential_id()?;
        let client_data = decode(&answer.response.client_data)?;
        ClientData::read(&client_data)?.check(CREATE, party)?;
        let object = decode(&answer.response.attestation_object)?;
        let object = AttestationObject::read(&object)?;
        let data = AuthenticatorData::read(object.authenticator_data)?;
        data.check(party)?;
        let Some(credential) = data.credential.filter(|credential| credential.id == id) else {
            return Err(BadAnswer::Unreadable);
        };
        let key = PublicKey::read(credential.public_key)?;
        object.check(&key, &client_data)?;
        Ok(MadePasskey {
            credential_id: answer.id,
            public_key: URL_SAFE_NO_PAD.encode(credential.public_key),
            sign_count: data.sign_count,
        })
    }

    fn signed(
        &self,
        answer: &str,
        public_key: &str,
        party: &RelyingParty,
    ) -> Result<Assertion, BadAnswer> {
        let answer: Answer<Signed> = Answer::read(answer)?;
        answer.credential_id()?;
        let client_data = decode(&answer.response.client_data)?;
        ClientData::read(&client_data)?.check(GET, party)?;
        let bytes = decode(&answer.response.authenticator_data)?;
        let data = AuthenticatorData::read(&bytes)?;
        data.check(party)?;
        let key = PublicKey::read(&decode(public_key)?)?;
        key.check(&bytes, &client_data, &decode(&answer.response.signature)?)?;
        Ok(Assertion { sign_count: data.sign_count, user_verified: data.has(USER_VERIFIED) })
    }
}

/// Base64url without padding. What has bits that mean nothing is refused, so that each byte string
/// has one form.
fn decode(text: &str) -> Result<Vec<u8>, BadAnswer> {
    URL_SAFE_NO_PAD.decode(text).or(Err(BadAnswer::Unreadable))
}

/// A `RegistrationResponseJSON` or an `AuthenticationResponseJSON` (§5.1).
#[derive(Deserialize)]
struct Answer<R> {
    id: String,
    #[serde(rename = "rawId")]
    raw_id: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    response: R,
}

/// What both kinds of answers say.
#[derive(Deserialize)]
struct Claim {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    #[serde(rename = "userHandle")]
    user_handle: Option<String>,
}

/// What a passkey was made with. Its authenticator data comes a second time beside the attestation
/// object; that copy is not read.
#[derive(Deserialize)]
struct Creation {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    #[serde(rename = "attestationObject")]
    attestation_object: String,
}

/// What a passkey has signed.
#[derive(Deserialize)]
struct Signed {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    #[serde(rename = "authenticatorData")]
    authenticator_data: String,
    signature: String,
}

impl<R: DeserializeOwned> Answer<R> {
    fn read(answer: &str) -> Result<Self, BadAnswer> {
        if answer.len() > ANSWER {
            return Err(BadAnswer::Unreadable);
        }
        let answer: Self = serde_json::from_str(answer).or(Err(BadAnswer::Unreadable))?;
        if answer.kind != "public-key" {
            return Err(BadAnswer::Unreadable);
        }
        Ok(answer)
    }

    /// The bytes of the id of the passkey.
    fn credential_id(&self) -> Result<Vec<u8>, BadAnswer> {
        let id = decode(&self.id)?;
        let same = self.raw_id.as_ref().is_none_or(|raw| *raw == self.id);
        if !same || !(1..=CREDENTIAL_ID).contains(&id.len()) {
            return Err(BadAnswer::Unreadable);
        }
        Ok(id)
    }
}

/// What the browser lets the authenticator sign (§5.8.1).
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
    #[serde(rename = "topOrigin")]
    top_origin: Option<IgnoredAny>,
}

impl ClientData {
    fn read(json: &[u8]) -> Result<Self, BadAnswer> {
        serde_json::from_slice(json).or(Err(BadAnswer::Unreadable))
    }

    /// Whether it is of this type, and of a page of the party that stood for itself: in the frame of
    /// another page, its user may not see who asks.
    fn check(&self, kind: &str, party: &RelyingParty) -> Result<(), BadAnswer> {
        if self.kind != kind {
            return Err(BadAnswer::Unreadable);
        }
        let framed = self.cross_origin || self.top_origin.is_some();
        if framed || !party.origins.contains(&self.origin) {
            return Err(BadAnswer::OtherOrigin);
        }
        Ok(())
    }
}

/// What the authenticator says (§6.1).
struct AuthenticatorData<'a> {
    party: &'a [u8; 32],
    flags: u8,
    sign_count: u32,
    credential: Option<AttestedCredential<'a>>,
}

/// A passkey that was just made (§6.5.1).
struct AttestedCredential<'a> {
    id: &'a [u8],
    public_key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    /// Of all the bytes: what follows the last part that the flags tell of is refused. What
    /// extensions say is not read.
    fn read(bytes: &'a [u8]) -> Result<Self, BadAnswer> {
        let head = || {
            let (party, rest) = bytes.split_first_chunk()?;
            let (flags, rest) = rest.split_first()?;
            let (sign_count, rest) = rest.split_first_chunk()?;
            Some((party, *flags, u32::from_be_bytes(*sign_count), rest))
        };
        let (party, flags, sign_count, mut rest) = head().ok_or(BadAnswer::Unreadable)?;
        let mut data = Self { party, flags, sign_count, credential: None };
        if data.has(ATTESTED) {
            let (credential, behind) = AttestedCredential::split(rest)?;
            data.credential = Some(credential);
            rest = behind;
        }
        if data.has(EXTENDED) {
            (_, rest) = Cbor::split_map(rest)?;
        }
        let backed_up = data.has(BACKED_UP) && !data.has(BACKUP_ELIGIBLE);
        if backed_up || !rest.is_empty() {
            return Err(BadAnswer::Unreadable);
        }
        Ok(data)
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether it is for this party, and its user was there.
    fn check(&self, party: &RelyingParty) -> Result<(), BadAnswer> {
        if Sha256::digest(&party.id)[..] != self.party[..] {
            return Err(BadAnswer::OtherParty);
        }
        if !self.has(USER_PRESENT) {
            return Err(BadAnswer::UserNotPresent);
        }
        Ok(())
    }
}

impl<'a> AttestedCredential<'a> {
    /// The passkey, and what follows it.
    fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), BadAnswer> {
        let id = || {
            // The model of the authenticator.
            let (_aaguid, rest) = bytes.split_first_chunk::<16>()?;
            let (length, rest) = rest.split_first_chunk()?;
            rest.split_at_checked(u16::from_be_bytes(*length).into())
        };
        let (id, rest) = id().ok_or(BadAnswer::Unreadable)?;
        let (public_key, rest) = Cbor::split_map(rest)?;
        Ok((Self { id, public_key }, rest))
    }
}

/// What vouches for a passkey that was made (§6.5.4).
struct AttestationObject<'a> {
    format: &'a str,
    /// A map of CBOR.
    statement: &'a [u8],
    authenticator_data: &'a [u8],
}

impl<'a> AttestationObject<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, BadAnswer> {
        let (mut format, mut statement, mut authenticator_data) = (None, None, None);
        let mut cbor = Cbor::new(bytes);
        for _ in 0..cbor.map()? {
            let repeated = match cbor.text()? {
                "fmt" => format.replace(cbor.text()?).is_some(),
                "attStmt" => statement.replace(cbor.item()?).is_some(),
                "authData" => authenticator_data.replace(cbor.bytes()?).is_some(),
                _ => return Err(BadAnswer::Unreadable),
            };
            if repeated {
                return Err(BadAnswer::Unreadable);
            }
        }
        cbor.end()?;
        let (Some(format), Some(statement), Some(authenticator_data)) =
            (format, statement, authenticator_data)
        else {
            return Err(BadAnswer::Unreadable);
        };
        Ok(Self { format, statement, authenticator_data })
    }

    /// Whether nobody vouches (§8.7), or the key itself does (§8.2). Who else does was not asked for.
    fn check(&self, key: &PublicKey, client_data: &[u8]) -> Result<(), BadAnswer> {
        let mut cbor = Cbor::new(self.statement);
        match (self.format, cbor.map()?) {
            ("none", 0) => Ok(()),
            ("packed", 2) => {
                let (mut algorithm, mut signature) = (None, None);
                for _ in 0..2 {
                    match cbor.text()? {
                        "alg" => algorithm = Some(cbor.int()?),
                        "sig" => signature = Some(cbor.bytes()?),
                        _ => return Err(BadAnswer::NotAskedFor),
                    }
                }
                match (algorithm, signature) {
                    (Some(algorithm), Some(signature)) if algorithm == key.algorithm() => {
                        key.check(self.authenticator_data, client_data, signature)
                    }
                    _ => Err(BadAnswer::NotAskedFor),
                }
            }
            _ => Err(BadAnswer::NotAskedFor),
        }
    }
}

/// The public key of a passkey.
enum PublicKey {
    Es256(ecdsa::VerifyingKey),
    EdDsa(ed25519::VerifyingKey),
}

/// What a label of a key stands for.
enum Parameter<'a> {
    Number(i64),
    Bytes(&'a [u8]),
    /// Nothing that is known.
    Other,
}

impl PublicKey {
    /// Of a `COSE_Key` (RFC 9053 §7.1 and §7.2), which has nothing but what its kind needs (§6.5.1).
    fn read(bytes: &[u8]) -> Result<Self, BadAnswer> {
        let mut parameters = BTreeMap::new();
        let mut cbor = Cbor::new(bytes);
        for _ in 0..cbor.map()? {
            if parameters.insert(cbor.int()?, cbor.parameter()?).is_some() {
                return Err(BadAnswer::Unreadable);
            }
        }
        cbor.end()?;
        let number = |label| match parameters.get(&label) {
            Some(Parameter::Number(number)) => Some(*number),
            _ => None,
        };
        let coordinate = |label| match parameters.get(&label) {
            Some(Parameter::Bytes(bytes)) => <&[u8; 32]>::try_from(*bytes).ok(),
            _ => None,
        };
        let (kind, algorithm, curve) = (number(1), number(3), number(-1));
        let key = match (kind, algorithm, curve, parameters.len()) {
            (Some(2), Some(-7), Some(1), 5) => coordinate(-2).zip(coordinate(-3)).and_then(es256),
            (Some(1), Some(-8), Some(6), 4) => coordinate(-2).and_then(ed25519),
            _ => None,
        };
        key.ok_or(BadAnswer::NotAskedFor)
    }

    /// Its number in COSE.
    fn algorithm(&self) -> i64 {
        match self {
            Self::Es256(_) => -7,
            Self::EdDsa(_) => -8,
        }
    }

    /// Whether it has signed both (§6.3.3, step 11).
    fn check(&self, data: &[u8], client_data: &[u8], signature: &[u8]) -> Result<(), BadAnswer> {
        let message = [data, &Sha256::digest(client_data)].concat();
        let verified = match self {
            Self::Es256(key) => ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify(&message, &signature).is_ok()),
            Self::EdDsa(key) => ed25519::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(&message, &signature).is_ok()),
        };
        if verified { Ok(()) } else { Err(BadAnswer::WrongSignature) }
    }
}

fn es256((x, y): (&[u8; 32], &[u8; 32])) -> Option<PublicKey> {
    let key = ecdsa::VerifyingKey::from_sec1_bytes(&[&[4], &x[..], &y[..]].concat()).ok()?;
    Some(PublicKey::Es256(key))
}

fn ed25519(x: &[u8; 32]) -> Option<PublicKey> {
    let key = ed25519::VerifyingKey::from_bytes(x).ok()?;
    (!key.is_weak()).then_some(PublicKey::EdDsa(key))
}

/// CBOR (RFC 8949) as authenticators write it (CTAP 2.1 §8): each length is told before, and there
/// are no tags. But how short numbers are is not looked at, nor in which order labels come.
struct Cbor<'a>(Decoder<'a>);

impl<'a> Cbor<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self(Decoder::new(bytes))
    }

    /// A map that the bytes begin with, and what follows it.
    fn split_map(bytes: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), BadAnswer> {
        let mut cbor = Self::new(bytes);
        if cbor.datatype()? != Type::Map {
            return Err(BadAnswer::Unreadable);
        }
        cbor.skip(NESTING)?;
        bytes.split_at_checked(cbor.0.position()).ok_or(BadAnswer::Unreadable)
    }

    fn datatype(&self) -> Result<Type, BadAnswer> {
        self.0.datatype().or(Err(BadAnswer::Unreadable))
    }

    /// How many labels a map has.
    fn map(&mut self) -> Result<u64, BadAnswer> {
        self.0.map().ok().flatten().ok_or(BadAnswer::Unreadable)
    }

    fn array(&mut self) -> Result<u64, BadAnswer> {
        self.0.array().ok().flatten().ok_or(BadAnswer::Unreadable)
    }

    fn text(&mut self) -> Result<&'a str, BadAnswer> {
        self.0.str().or(Err(BadAnswer::Unreadable))
    }

    fn bytes(&mut self) -> Result<&'a [u8], BadAnswer> {
        self.0.bytes().or(Err(BadAnswer::Unreadable))
    }

    fn int(&mut self) -> Result<i64, BadAnswer> {
        self.0.i64().or(Err(BadAnswer::Unreadable))
    }

    fn parameter(&mut self) -> Result<Parameter<'a>, BadAnswer> {
        if self.datatype()? == Type::Bytes {
            return self.bytes().map(Parameter::Bytes);
        }
        let item = self.item()?;
        Ok(Decoder::new(item).i64().map_or(Parameter::Other, Parameter::Number))
    }

    /// Whatever comes, in its bytes.
    fn item(&mut self) -> Result<&'a [u8], BadAnswer> {
        let start = self.0.position();
        self.skip(NESTING)?;
        self.0.input().get(start..self.0.position()).ok_or(BadAnswer::Unreadable)
    }

    /// Passes over what comes, with so many levels of maps and arrays in one another.
    fn skip(&mut self, levels: u8) -> Result<(), BadAnswer> {
        let parts = match self.datatype()? {
            Type::Array => [self.array()?, 0],
            Type::Map => [self.map()?; 2],
            Type::Tag
            | Type::ArrayIndef
            | Type::MapIndef
            | Type::BytesIndef
            | Type::StringIndef
            | Type::Break
            | Type::Unknown(_) => return Err(BadAnswer::Unreadable),
            _ => return self.0.skip().or(Err(BadAnswer::Unreadable)),
        };
        let levels = levels.checked_sub(1).ok_or(BadAnswer::Unreadable)?;
        // Each turn takes a byte at least, or fails: a number that is too high ends with the input.
        for parts in parts {
            for _ in 0..parts {
                self.skip(levels)?;
            }
        }
        Ok(())
    }

    fn end(&self) -> Result<(), BadAnswer> {
        if self.0.position() == self.0.input().len() {
            return Ok(());
        }
        Err(BadAnswer::Unreadable)
    }
}

#[cfg(test)]
mod tests;
