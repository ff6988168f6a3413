//! `GET /.well-known/openid-configuration` and `/.well-known/oauth-authorization-server` (RFC 8414):
//! where the keys are that access tokens are verified with, for libraries that are given the issuer
//! alone. There is no such document unless tokens are signed by a published key and the issuer is an
//! address where it could be found. This is no provider of `OpenID` Connect: nobody is logged in by it.

use std::collections::BTreeSet;

use actix_web::http::header::CACHE_CONTROL;
use menjin_domain::sessions::PublicPoint;
use serde::Serialize;

use super::jwks::{KEPT, PATH as JWKS};
use crate::prelude::*;
use crate::v1;

/// The paths, of which libraries ask one or the other.
const PATHS: [&str; 2] =
    ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

pub(super) fn endpoints() -> impl Iterator<Item = Endpoint> {
    PATHS.into_iter().map(|path| Endpoint::hidden(Method::GET, path, discover))
}

/// RFC 8414 §2, with the members that `OpenID` Connect Discovery §3 asks for beside them.
#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    jwks_uri: String,
    token_endpoint: String,
    token_endpoint_auth_methods_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 1],
    response_types_supported: [&'static str; 0],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: BTreeSet<&'static str>,
}

async fn discover(api: Data<Api>) -> Answer<HttpResponse> {
    let issuer = api.settings.published_issuer.as_deref().ok_or(ErrorKind::RouteNotFound)?;
    let below = |path: &str| format!("{}{path}", issuer.trim_end_matches('/'));
    let keys = api.services.public_keys();
    let algorithms = keys.iter().map(|key| match key.point {
        PublicPoint::Ed25519 { .. } => "EdDSA",
        PublicPoint::P256 { .. } => "ES256",
    });
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, KEPT)).json(Metadata {
        issuer,
        jwks_uri: below(JWKS),
        token_endpoint: below(v1::LOGIN),
        token_endpoint_auth_methods_supported: ["none"],
        grant_types_supported: ["password"],
        response_types_supported: [],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: algorithms.collect(),
    }))
}
