//! `GET /.well-known/jwks.json`: what others verify access tokens with (RFC 7517).

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use menjin_domain::sessions::{PublicKey, PublicPoint};
use paperclip::actix::api_v2_operation;
use serde::Serialize;

use crate::state::Api;

/// Unlike all other answers these hold nothing of anybody's, and are asked for by every service that
/// verifies tokens. Five minutes is what a new key has to be known before it signs (README, "Keys for
/// other services").
const KEPT: &str = "public, max-age=300";

#[derive(Serialize)]
struct JwkSetView {
    keys: Vec<JwkView>,
}

/// RFC 7517 §4, with the members of RFC 7518 §6.2.1 and RFC 8037 §2.
#[derive(Serialize)]
struct JwkView {
    kty: &'static str,
    crv: &'static str,
    r#use: &'static str,
    alg: &'static str,
    kid: String,
    x: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
}

/// List the keys that access tokens are verified with.
///
/// For services that verify tokens themselves: the active key comes first. Empty while tokens are
/// signed with a secret, which nobody else may have.
#[api_v2_operation(operation_id = "get_jwks", tags("General"))]
pub(super) async fn jwks(api: Data<Api>) -> HttpResponse {
    let keys = api.services.public_keys().into_iter().map(JwkView::from).collect();
    HttpResponse::Ok().insert_header((CACHE_CONTROL, KEPT)).json(JwkSetView { keys })
}

impl From<PublicKey> for JwkView {
    fn from(key: PublicKey) -> Self {
        let encode = |coordinate: &[u8; 32]| URL_SAFE_NO_PAD.encode(coordinate);
        let (kty, crv, alg, x, y) = match &key.point {
            PublicPoint::Ed25519 { x } => ("OKP", "Ed25519", "EdDSA", encode(x), None),
            PublicPoint::P256 { x, y } => ("EC", "P-256", "ES256", encode(x), Some(encode(y))),
        };
        Self { kty, crv, r#use: "sig", alg, kid: key.id, x, y }
    }
}
