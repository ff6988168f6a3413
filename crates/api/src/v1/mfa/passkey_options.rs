//! What a browser is asked for, as `PublicKeyCredential` reads it.

use menjin_domain::passkeys::{CredentialId, PasskeyCreation, PasskeyRequest};
use menjin_web::schema::{Components, Schema};
use serde::Serialize;
use serde_json::{Value, json};

/// For `PublicKeyCredential.parseCreationOptionsFromJSON` (WebAuthn Level 3 §5.1.8).
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct CreationOptions(Value);

/// For `PublicKeyCredential.parseRequestOptionsFromJSON` (WebAuthn Level 3 §5.1.9).
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct RequestOptions(Value);

/// ES256 and EdDSA (Ed25519), by their numbers in the registry of COSE.
const ALGORITHMS: [i32; 2] = [-7, -8];

fn keys(ids: &[CredentialId]) -> Value {
    ids.iter().map(|id| json!({ "type": "public-key", "id": id })).collect()
}

fn milliseconds(time: std::time::Duration) -> u64 {
    time.as_secs() * 1000
}

impl From<PasskeyCreation> for CreationOptions {
    fn from(creation: PasskeyCreation) -> Self {
        let algorithm = |alg: &i32| json!({ "type": "public-key", "alg": alg });
        let parameters: Value = ALGORITHMS.iter().map(algorithm).collect();
        Self(json!({
            "challenge": creation.challenge,
            "rp": { "id": creation.party.id, "name": creation.party.name },
            "user": {
                "id": creation.user_handle,
                "name": creation.username,
                "displayName": creation.username,
            },
            "pubKeyCredParams": parameters,
            "excludeCredentials": keys(&creation.exclude),
            // One that the authenticator lists by itself logs in without a name and a password.
            "authenticatorSelection": {
                "residentKey": "preferred", "requireResidentKey": false,
                "userVerification": "preferred",
            },
            "attestation": "none",
            "timeout": milliseconds(creation.expires_in),
        }))
    }
}

impl From<PasskeyRequest> for RequestOptions {
    fn from(request: PasskeyRequest) -> Self {
        Self(json!({
            "challenge": request.challenge,
            "rpId": request.party_id,
            "allowCredentials": keys(&request.allow),
            "userVerification": if request.needs_verification { "required" } else { "preferred" },
            "timeout": milliseconds(request.expires_in),
        }))
    }
}

fn key_list(description: &str) -> Value {
    json!({
        "type": "array", "description": description,
        "items": {
            "type": "object", "required": ["type", "id"],
            "properties": { "type": { "type": "string" }, "id": { "type": "string" } },
            "additionalProperties": false,
        },
    })
}

fn challenge() -> Value {
    json!({
        "type": "string", "example": "bWVuamluIOmXqOemgSBtZW5qaW4g6Zeo56aBIG1lbmo",
        "description": "Random bytes, in base64url. They are good for one answer.",
    })
}

fn timeout() -> Value {
    json!({ "type": "integer", "example": 300_000, "description": "In milliseconds." })
}

impl Schema for CreationOptions {
    const NAME: &'static str = "PasskeyCreationOptions";

    fn inline(_: &mut Components<'_>) -> Value {
        json!({
            "type": "object",
            "description": "For `PublicKeyCredential.parseCreationOptionsFromJSON` and \
                            `navigator.credentials.create` of a browser.",
            "required": [
                "challenge", "rp", "user", "pubKeyCredParams", "excludeCredentials",
                "authenticatorSelection", "attestation", "timeout",
            ],
            "properties": {
                "challenge": challenge(),
                "rp": {
                    "type": "object", "description": "The site.", "required": ["id", "name"],
                    "properties": {
                        "id": { "type": "string", "example": "app.example" },
                        "name": { "type": "string", "example": "menjin" },
                    },
                    "additionalProperties": false,
                },
                "user": {
                    "type": "object", "description": "What the authenticator knows the user by.",
                    "required": ["id", "name", "displayName"],
                    "properties": {
                        "id": { "type": "string", "example": "AAAAAAAAAAE" },
                        "name": { "type": "string", "example": "zhangsan" },
                        "displayName": { "type": "string", "example": "zhangsan" },
                    },
                    "additionalProperties": false,
                },
                "pubKeyCredParams": {
                    "type": "array", "description": "ES256 and EdDSA.",
                    "items": {
                        "type": "object", "required": ["type", "alg"],
                        "properties": { "type": { "type": "string" }, "alg": { "type": "integer" } },
                        "additionalProperties": false,
                    },
                },
                "excludeCredentials": key_list("The passkeys that the user has."),
                "authenticatorSelection": {
                    "type": "object", "description": "What the authenticator is to do.",
                    "required": ["residentKey", "requireResidentKey", "userVerification"],
                    "properties": {
                        "residentKey": { "type": "string" },
                        "requireResidentKey": { "type": "boolean" },
                        "userVerification": { "type": "string" },
                    },
                    "additionalProperties": false,
                },
                "attestation": { "type": "string", "description": "What the authenticator says of itself: nothing." },
                "timeout": timeout(),
            },
            "additionalProperties": false,
        })
    }
}

impl Schema for RequestOptions {
    const NAME: &'static str = "PasskeyRequestOptions";

    fn inline(_: &mut Components<'_>) -> Value {
        json!({
            "type": "object",
            "description": "For `PublicKeyCredential.parseRequestOptionsFromJSON` and \
                            `navigator.credentials.get` of a browser.",
            "required": ["challenge", "rpId", "allowCredentials", "userVerification", "timeout"],
            "properties": {
                "challenge": challenge(),
                "rpId": { "type": "string", "example": "app.example", "description": "The site." },
                "allowCredentials": key_list("The passkeys of the user; none: any of the site."),
                "userVerification": {
                    "type": "string", "enum": ["required", "preferred"],
                    "description": "Whether the authenticator asks for a PIN, a finger or a face.",
                },
                "timeout": timeout(),
            },
            "additionalProperties": false,
        })
    }
}
