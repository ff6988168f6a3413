//! What this server is, whether it works, and the keys of its tokens.

mod discovery;
pub(crate) mod health;
mod jwks;
mod root;

use crate::endpoint::Endpoint;

/// All endpoints.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![
        root::endpoint(),
        health::endpoint(),
        health::liveness_endpoint(),
        health::readiness_endpoint(),
        jwks::endpoint(),
    ];
    endpoints.extend(discovery::endpoints());
    endpoints
}
