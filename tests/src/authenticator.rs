//! A software authenticator, with the browser that stands between it and a page (WebAuthn Level 3). It knows
//! nothing of menjin, and keeps its keys in memory.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::EncodePublicKey as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The number of ES256 in COSE.
const ES256: i64 = -7;

/// An authenticator, before which its user is.
#[derive(Debug)]
pub struct Authenticator {
    /// The origin of the page that asks.
    pub origin: String,
    /// Whether it asks its user for a PIN or a finger. It does unless a test says otherwise.
    pub verifies_user: bool,
    /// How often it has signed. It is raised before each signature.
    pub sign_count: u32,
    /// The site that it signs for, if not the one that asks.
    pub rp_id: Option<String>,
    passkeys: Vec<Passkey>,
}

/// A key for a site.
#[derive(Debug)]
struct Passkey {
    rp_id: String,
    id: Vec<u8>,
    user_handle: Vec<u8>,
    key: SigningKey,
}

impl Authenticator {
    /// Without any passkey, before a page of this origin.
    pub fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            verifies_user: true,
            sign_count: 0,
            rp_id: None,
            passkeys: Vec::new(),
        }
    }

    /// Makes a passkey, as `navigator.credentials.create()` does: of
    /// `PublicKeyCredentialCreationOptionsJSON` a `RegistrationResponseJSON`. It stops the test if a browser
    /// would refuse the options.
    pub fn create(&mut self, options: &Value) -> Value {
        let challenge = challenge(options);
        let user_handle = decode(text(options, "/user/id"));
        assert!((1..=64).contains(&user_handle.len()), "{options}");
        for name in ["/rp/name", "/user/name", "/user/displayName"] {
            text(options, name);
        }
        let kinds = array(options, "/pubKeyCredParams");
        let mut kinds = kinds.iter().filter(|kind| text(kind, "/type") == "public-key");
        assert!(kinds.any(|kind| kind.get("alg") == Some(&json!(ES256))), "{options}");
        let rp_id = self.site(options, "/rp/id");
        let excluded = ids(options, "/excludeCredentials");
        let known = |passkey: &Passkey| passkey.rp_id == rp_id && excluded.contains(&passkey.id);
        assert!(!self.passkeys.iter().any(known), "InvalidStateError: it has one: {options}");

        let key = SigningKey::from_slice(&drawn()).unwrap();
        let passkey = Passkey { rp_id, id: drawn().to_vec(), user_handle, key };
        let data = self.data(&passkey.rp_id, Some(&passkey));
        let client_data = self.client_data("webauthn.create", &challenge);
        let public_key = passkey.key.verifying_key().to_public_key_der().unwrap();
        let answer = answer(
            &passkey,
            &json!({
                "clientDataJSON": encode(&client_data),
                "authenticatorData": encode(&data),
                "transports": ["usb"],
                "publicKey": encode(public_key.as_bytes()),
                "publicKeyAlgorithm": ES256,
                "attestationObject": encode(&without_attestation(&data)),
            }),
        );
        self.passkeys.push(passkey);
        answer
    }

    /// Signs with a passkey, as `navigator.credentials.get()` does: of
    /// `PublicKeyCredentialRequestOptionsJSON` an `AuthenticationResponseJSON`. It stops the test if it has
    /// no passkey for them; of several it takes the newest.
    pub fn get(&mut self, options: &Value) -> Value {
        let challenge = challenge(options);
        let rp_id = self.site(options, "/rpId");
        let allowed = ids(options, "/allowCredentials");
        self.sign_count = self.sign_count.wrapping_add(1);
        let fits = |passkey: &&Passkey| {
            passkey.rp_id == rp_id && (allowed.is_empty() || allowed.contains(&passkey.id))
        };
        let Some(passkey) = self.passkeys.iter().rev().find(fits) else {
            panic!("NotAllowedError: it has no passkey for {options}");
        };
        let data = self.data(&rp_id, None);
        let client_data = self.client_data("webauthn.get", &challenge);
        let signed = [&data[..], &Sha256::digest(&client_data)].concat();
        let signature: Signature = passkey.key.sign(&signed);
        answer(
            passkey,
            &json!({
                "clientDataJSON": encode(&client_data),
                "authenticatorData": encode(&data),
                "signature": encode(signature.to_der().as_bytes()),
                "userHandle": encode(&passkey.user_handle),
            }),
        )
    }

    /// The site that asks: if it does not say so, the host of the page.
    fn site(&self, options: &Value, pointer: &str) -> String {
        if options.pointer(pointer).is_some() {
            return text(options, pointer).to_owned();
        }
        let (_scheme, host) = self.origin.split_once("://").unwrap();
        host.split(':').next().unwrap().to_owned()
    }

    /// What the browser lets it sign (§5.8.1.1).
    fn client_data(&self, kind: &str, challenge: &[u8]) -> Vec<u8> {
        let (kind, origin) = (json!(kind), json!(self.origin));
        let challenge = json!(encode(challenge));
        let head = format!(r#"{{"type":{kind},"challenge":{challenge},"origin":{origin}"#);
        format!(r#"{head},"crossOrigin":false}}"#).into_bytes()
    }

    /// What it says itself (§6.1), with the passkey that it has just made.
    fn data(&self, rp_id: &str, made: Option<&Passkey>) -> Vec<u8> {
        let rp_id = self.rp_id.as_deref().unwrap_or(rp_id);
        let mut flags = 1; // Its user is there.
        flags |= if self.verifies_user { 1 << 2 } else { 0 };
        flags |= if made.is_some() { 1 << 6 } else { 0 };
        let mut data = Sha256::digest(rp_id).to_vec();
        data.push(flags);
        data.extend(self.sign_count.to_be_bytes());
        if let Some(passkey) = made {
            // It does not say which model it is.
            data.extend([0; 16]);
            data.extend(u16::try_from(passkey.id.len()).unwrap().to_be_bytes());
            data.extend(&passkey.id);
            data.extend(passkey.cose());
        }
        data
    }
}

impl Passkey {
    /// Its public key, a `COSE_Key`: `{1: 2, 3: -7, -1: 1, -2: x, -3: y}`.
    fn cose(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_sec1_point(false);
        let (x, y) = point.as_bytes().split_first().unwrap().1.split_at(32);
        [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], x, &[0x22, 0x58, 32], y].concat()
    }
}

/// The attestation object `{"fmt": "none", "attStmt": {}, "authData": data}` (§8.7).
fn without_attestation(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    let head = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59";
    [&head[..], &length, data].concat()
}

/// What `PublicKeyCredential` gives with `toJSON()`.
fn answer(passkey: &Passkey, response: &Value) -> Value {
    json!({
        "id": encode(&passkey.id),
        "rawId": encode(&passkey.id),
        "type": "public-key",
        "authenticatorAttachment": "cross-platform",
        "clientExtensionResults": {},
        "response": response,
    })
}

/// The challenge, which is to be of 16 bytes at least ("Cryptographic Challenges").
fn challenge(options: &Value) -> Vec<u8> {
    let challenge = decode(text(options, "/challenge"));
    assert!(challenge.len() >= 16, "too short to be a challenge: {options}");
    challenge
}

/// The ids in a list of passkeys, which need not be there.
fn ids(options: &Value, pointer: &str) -> Vec<Vec<u8>> {
    if options.pointer(pointer).is_none() {
        return Vec::new();
    }
    let passkeys = array(options, pointer).iter();
    let passkeys = passkeys.filter(|passkey| text(passkey, "/type") == "public-key");
    passkeys.map(|passkey| decode(text(passkey, "/id"))).collect()
}

fn text<'a>(options: &'a Value, pointer: &str) -> &'a str {
    let text = options.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_else(|| panic!("no text at {pointer}: {options}"))
}

fn array<'a>(options: &'a Value, pointer: &str) -> &'a [Value] {
    let array = options.pointer(pointer).and_then(Value::as_array);
    array.unwrap_or_else(|| panic!("no list at {pointer}: {options}"))
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Bytes that nothing else is given: the standard library asks the system for them.
fn drawn() -> [u8; 32] {
    let part = |number: u8| RandomState::new().hash_one(number).to_be_bytes();
    Sha256::digest([0, 1, 2, 3].map(part).as_flattened()).into()
}
