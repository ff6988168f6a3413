//! `/openapi.json`: what the server does, in OpenAPI 3.
//!
//! Nothing of it is written here. Each endpoint says what it is (`endpoint.rs`), its handler's
//! signature says what it takes and returns, and each error is rendered as a client would get it. This
//! module joins them. What a schema cannot express (a taken name, an invisible character) is said in
//! words.

mod document;
mod paperclip;
mod responses;

use std::collections::BTreeMap;

use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use menjin_domain::access::rights::RightId;
use menjin_domain::cache::CacheAccess;
use menjin_web::schema::Components;
use serde_json::{Map, Value, json};

use self::document::in_order;
use self::responses::responses;
use crate::dialect::Dialect;
use crate::endpoint::{Access, Endpoint, Operation, Signature};
use crate::http::content::Content;
use crate::http::reply::Answer;
use crate::state::{Api, ApiSettings};
use crate::v1;

/// A dialect and its endpoints.
pub(crate) type Table = (&'static Dialect, Vec<Endpoint>);

/// The route. The document does not describe itself.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::hidden(Method::GET, "/openapi.json", serve)]
}

async fn serve(api: Data<Api>, request: HttpRequest) -> Answer<HttpResponse> {
    let document = api.document.get_or_init(|| document(&crate::tables(), &api.settings));
    Ok(document.serve(&request, "no-cache"))
}

/// Makes the document. This takes some 20 ms and 10 MB, and most servers are never asked for it.
fn document(tables: &[Table], settings: &ApiSettings) -> Content {
    let endpoints = tables.iter().flat_map(|(_, endpoints)| endpoints);
    let mut paths: Vec<String> = Vec::new();
    for path in endpoints.map(|endpoint| plain_path(endpoint.path)) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let text = in_order(&build(tables, settings), &paths);
    Content::new("application/json", text.into(), None)
}

fn build(tables: &[Table], settings: &ApiSettings) -> Value {
    let mut schemas = Map::new();
    let mut paths = BTreeMap::<String, Map<String, Value>>::new();
    for (dialect, endpoints) in tables {
        let mut components = Components { rules: (dialect.rules)(settings), schemas: &mut schemas };
        for endpoint in endpoints {
            let Some(operation) = &endpoint.operation else { continue };
            let mut signature = Signature::default();
            (operation.input)(&mut signature, &mut components);
            let is_off =
                signature.access == Access::Cache && settings.cache_access == CacheAccess::Off;
            let described = describe(dialect, operation, signature, settings, &mut components);
            if !is_off {
                let methods = paths.entry(plain_path(endpoint.path)).or_default();
                methods.insert(endpoint.method.as_str().to_ascii_lowercase(), described);
            }
        }
    }
    json!({
        "openapi": "3.0.3",
        "info": info(settings),
        "servers": [{ "url": settings.public_url.as_deref().unwrap_or("/") }],
        "tags": tags(),
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": security_schemes(settings) },
    })
}

/// One operation.
fn describe(
    dialect: &'static Dialect,
    operation: &Operation,
    mut signature: Signature,
    settings: &ApiSettings,
    components: &mut Components<'_>,
) -> Value {
    let summary = (operation.summary)();
    if signature.access == Access::Cache {
        signature.access = match settings.cache_access {
            CacheAccess::Authenticated => Access::Users,
            CacheAccess::Superuser => Access::Right(RightId::CacheUse),
            CacheAccess::Public | CacheAccess::Off => Access::Everybody,
        };
        signature.may_refuse(signature.access.refusals());
    }
    let mut described = json!({
        "operationId": summary.operation_id,
        "tags": summary.tags,
        "summary": unwrapped(summary.summary.as_deref().unwrap_or_default()).trim_end_matches('.'),
        "description": unwrapped(summary.description.as_deref().unwrap_or_default()),
        "x-right": signature.access.right(),
        "security": match signature.access {
            Access::Everybody | Access::Cache => json!([]),
            Access::EverybodyOrUsers => {
                json!([{}, { "bearer": [] }, { "OAuth2PasswordBearer": [] }])
            }
            Access::RestrictedUsers
            | Access::Enrolling
            | Access::Users
            | Access::SessionOwners
            | Access::Right(_) => {
                json!([{ "bearer": [] }, { "OAuth2PasswordBearer": [] }])
            }
        },
    });
    let mut insert = |name: &str, value: Value| {
        described.as_object_mut().and_then(|described| described.insert(name.to_owned(), value));
    };
    if !signature.parameters.is_empty() {
        insert("parameters", signature.parameters.clone().into());
    }
    // The form that login takes as well is not listed here but in the security scheme, whose password
    // flow defines it (RFC 6749 §4.3.2): of a body of two media types openapi-python-client makes code
    // that cannot be imported (its issue 1451).
    if let Some(schema) = &signature.body {
        let content = json!({ "application/json": { "schema": schema } });
        insert("requestBody", json!({ "required": true, "content": content }));
    }
    // A file may be the body as well. Only the form is listed: of a body of several media types
    // openapi-python-client makes code that cannot be used.
    if signature.takes_file {
        let file = json!({ "type": "string", "format": "binary" });
        let form =
            json!({ "type": "object", "required": ["file"], "properties": { "file": file } });
        let content = json!({ "multipart/form-data": { "schema": form } });
        insert("requestBody", json!({ "required": true, "content": content }));
    }
    let responses = responses(dialect, operation, signature, settings.locale, components);
    insert("responses", responses.into());
    described
}

/// The path as clients know it: actix lets a parameter have a pattern, `{key:.*}`, and one without a
/// choice is no parameter, `{key:test}`.
fn plain_path(path: &str) -> String {
    let segment = |segment: &str| {
        let inner = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match inner.and_then(|inner| inner.split_once(':')) {
            Some((_, literal)) if literal.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                literal.to_owned()
            }
            Some((name, _)) => format!("{{{name}}}"),
            None => segment.to_owned(),
        }
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// A doc comment without the line breaks of its source.
fn unwrapped(comment: &str) -> String {
    comment.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

fn info(settings: &ApiSettings) -> Value {
    json!({
        "title": "menjin",
        "version": settings.version,
        "description": include_str!("description.md"),
        "license": { "name": env!("CARGO_PKG_LICENSE"), "url": "https://spdx.org/licenses/" },
    })
}

fn tags() -> Value {
    json!([
        { "name": "Authentication", "description": "Registration, log-in, tokens." },
        { "name": "User Management", "description": "Profiles, and what administrators do." },
        { "name": "Audit", "description": "What happened, for administrators." },
        { "name": "Invitations", "description": "Who is invited, for administrators." },
        { "name": "Mail", "description": "Which mails were sent, for administrators." },
        { "name": "Second factor", "description": "Authenticator apps and recovery codes." },
        { "name": "Passkeys", "description": "Passkeys (WebAuthn): as a second factor, and to log in with alone." },
        { "name": "Cache", "description": "Values that clients keep for each other." },
        {
            "name": "Authentication (envelope)",
            "description": "Registration, log-in and the own profile, in the envelope dialect.",
        },
        {
            "name": "Administration (envelope)",
            "description": "What administrators do, in the envelope dialect.",
        },
        { "name": "General", "description": "What this is, and whether it works." },
    ])
}

fn security_schemes(settings: &ApiSettings) -> Value {
    let token_url = format!("{}{}", settings.public_url.as_deref().unwrap_or_default(), v1::LOGIN);
    json!({
        "bearer": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "The access token of a log-in.",
        },
        // As FastAPI names it.
        "OAuth2PasswordBearer": {
            "type": "oauth2",
            "description": "Logs in with a user name or an e-mail address and a password, sent as the \
                            form of OAuth2's password grant (RFC 6749 §4.3.2).",
            "flows": { "password": { "tokenUrl": token_url, "scopes": {} } },
        },
    })
}

#[cfg(test)]
mod tests;
