//! `GET /`.

use crate::prelude::*;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/", root).success("What this is")
}

response! {
    /// What this is and where to go on.
    struct Root as "Root" {
        name: &'static str => { "enum": ["menjin"], "example": "menjin" },
        version: String => { "example": "0.1.0" },
        docs: String => { "example": "/docs" },
        redoc: String => { "example": "/redoc" },
        openapi: String => { "example": "/openapi.json" },
        health: String => { "example": "/health" },
    }
}

/// Say what this is and where to go on.
///
/// Names the version and the paths of the documentation and of the health check.
#[api_v2_operation(operation_id = "get_root", tags("General"))]
async fn root(api: Data<Api>) -> Answer<Reply<Root>> {
    let below = |path: &str| format!("{}{path}", api.settings.path_prefix());
    Ok(Reply(Root {
        name: "menjin",
        version: api.settings.version.clone(),
        docs: below("/docs"),
        redoc: below("/redoc"),
        openapi: below("/openapi.json"),
        health: below("/health"),
    }))
}
