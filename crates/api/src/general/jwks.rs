//! `GET /.well-known/jwks.json`: what others verify access tokens with (RFC 7517). Empty with HS256,
//! not 404: what is asked for is there and has no keys.

use actix_web::http::header::CACHE_CONTROL;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use menjin_domain::sessions::{PublicKey, PublicPoint};
use menjin_web::schema::{Components, Schema};
use serde::Serialize;
use serde_json::{Value, json};

use crate::prelude::*;

/// Unlike all other answers these hold no personal data, and every service that verifies tokens asks
/// for them. Five minutes is what a new key has to be known before it signs (the manual, "Verifying
/// tokens in other services").
pub(super) const KEPT: &str = "public, max-age=300";

pub(super) const PATH: &str = "/.well-known/jwks.json";

pub(super) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, PATH, jwks).answer::<JwkSet>(200, "The keys")
}

response! {
    /// Public keys (RFC 7517).
    struct JwkSet as "JwkSet" {
        keys: Vec<Jwk>,
    }
}

/// RFC 7517 §4, with the members of RFC 7518 §6.2.1 and RFC 8037 §2.
#[derive(Serialize)]
struct Jwk {
    kty: &'static str,
    crv: &'static str,
    r#use: &'static str,
    alg: &'static str,
    kid: String,
    x: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
}

impl Schema for Jwk {
    const NAME: &'static str = "Jwk";

    fn inline(_: &mut Components<'_>) -> Value {
        json!({
            "type": "object",
            "description": "A public key (RFC 7517).",
            "required": ["kty", "crv", "use", "alg", "kid", "x"],
            "properties": {
                "kty": { "type": "string", "enum": ["OKP", "EC"] },
                "crv": { "type": "string", "enum": ["Ed25519", "P-256"] },
                "use": { "type": "string", "enum": ["sig"] },
                "alg": { "type": "string", "enum": ["EdDSA", "ES256"] },
                "kid": {
                    "type": "string", "minLength": 43, "maxLength": 43,
                    "description": "What tokens call the key: its thumbprint (RFC 7638).",
                },
                "x": { "type": "string", "minLength": 43, "maxLength": 43 },
                "y": {
                    "type": "string", "minLength": 43, "maxLength": 43,
                    "description": "Of `EC` alone.",
                },
            },
            "additionalProperties": false,
        })
    }
}

/// List the keys that access tokens are verified with.
///
/// For services that verify tokens themselves: the active key comes first. Empty while tokens are
/// signed with a secret, which nobody else may have.
#[api_v2_operation(operation_id = "get_jwks", tags("General"))]
async fn jwks(api: Data<Api>) -> HttpResponse {
    let keys = api.services.public_keys().into_iter().map(Jwk::from).collect();
    HttpResponse::Ok().insert_header((CACHE_CONTROL, KEPT)).json(JwkSet { keys })
}

impl From<PublicKey> for Jwk {
    fn from(key: PublicKey) -> Self {
        let encode = |coordinate: &[u8; 32]| URL_SAFE_NO_PAD.encode(coordinate);
        let (kty, crv, alg, x, y) = match &key.point {
            PublicPoint::Ed25519 { x } => ("OKP", "Ed25519", "EdDSA", encode(x), None),
            PublicPoint::P256 { x, y } => ("EC", "P-256", "ES256", encode(x), Some(encode(y))),
        };
        Self { kty, crv, r#use: "sig", alg, kid: key.id, x, y }
    }
}
