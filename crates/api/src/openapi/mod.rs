//! `/openapi.json`: what the server does, in OpenAPI 3.
//!
//! paperclip collects the operations from the routes: path, method, parameters, body, success and
//! the summary above the handler (`collect.rs` teaches it this crate's types). On its own it says
//! too little of them, and some of it wrongly. So the document is built here, anew, from what was
//! collected and from two tables: `operations.rs` (meanings and failures) and `schemas.rs` (rules of
//! values). Neither side may name what the other does not know: [`build`] says what does not match,
//! and a test fails on it.
//!
//! A new operation needs, beside its handler: `#[api_v2_operation(operation_id = …, tags(…))]` with
//! a summary above it, a row in `operations.rs`, and a row in `schemas.rs` for each new type, which
//! derives `Apiv2Schema` and is named by `#[openapi(rename = …)]`.

mod collect;
mod operations;
mod responses;
mod schemas;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use actix_web::http::header::{CACHE_CONTROL, ETAG, EntityTag, Header as _, IfNoneMatch};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use menjin_domain::cache::CacheAccess;
use paperclip::actix::api_v2_operation;
use paperclip::actix::web::{ServiceConfig, get};
use serde_json::{Map, Value, json};

use collect::{CACHE_ACCESS, TOKEN};
use operations::{Operation, operations};
use responses::{Takes, codes, responses};

use crate::failure::Failure;
use crate::http::routes::resource;
use crate::state::{Api, ApiSettings};

/// The document as it is served.
pub(crate) struct Document {
    bytes: Bytes,
    tag: EntityTag,
}

impl Document {
    /// Makes the document from what paperclip collected.
    pub(crate) fn new(collected: &Value, settings: &ApiSettings) -> Self {
        let (document, mismatches) = build(collected, settings);
        for mismatch in mismatches {
            tracing::error!(%mismatch, "the OpenAPI document is not what the server does");
        }
        let bytes = Bytes::from(document.to_string());
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        Self { bytes, tag: EntityTag::new_strong(format!("{:016x}", hasher.finish())) }
    }
}

/// Registers the route. The document does not describe itself.
pub(crate) fn routes(services: &mut ServiceConfig<'_>) {
    services.service(resource("/openapi.json", "GET, HEAD", vec![get().to(serve)]));
}

/// `GET /openapi.json`.
#[api_v2_operation(skip)]
async fn serve(api: Data<Api>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let document = api.document.get().ok_or(Failure::Internal(None))?;
    let known = match IfNoneMatch::parse(&request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(&document.tag)),
        Err(_) => false,
    };
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, document.tag.to_string()));
    response.insert_header((CACHE_CONTROL, "no-cache"));
    if known {
        return Ok(response.finish());
    }
    Ok(response.content_type("application/json").body(document.bytes.clone()))
}

fn schema_ref(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Builds the document, and says where the tables and the routes do not match.
pub(crate) fn build(collected: &Value, settings: &ApiSettings) -> (Value, Vec<String>) {
    let mut mismatches = Vec::new();
    let table = operations();
    let codes = codes(&table);
    let schemas = components(collected, settings, &codes, &mut mismatches);
    let mut table: BTreeMap<_, _> = table.into_iter().map(|row| (row.id, row)).collect();
    let mut paths = BTreeMap::<String, Map<String, Value>>::new();
    for found in Collected::all(collected) {
        let Some(row) = table.remove(found.id) else {
            mismatches
                .push(format!("{} {} ({}): no row, or two", found.method, found.path, found.id));
            continue;
        };
        if settings.cache_access == CacheAccess::Off && found.has_mark(CACHE_ACCESS) {
            continue;
        }
        let operation = found.finish(&row, &schemas, settings, &mut mismatches);
        paths.entry(found.path).or_default().insert(found.method.to_owned(), operation);
    }
    mismatches.extend(table.keys().map(|id| format!("{id}: no route")));
    let document = json!({
        "openapi": "3.0.3",
        "info": info(settings),
        "servers": [{ "url": "/" }],
        "tags": tags(),
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": security_schemes() },
    });
    (document, mismatches)
}

/// An operation as paperclip collected it.
struct Collected<'a> {
    path: String,
    method: &'a str,
    id: &'a str,
    operation: &'a Map<String, Value>,
}

impl<'a> Collected<'a> {
    fn all(document: &'a Value) -> Vec<Self> {
        let paths = document.get("paths").and_then(Value::as_object);
        let mut all = Vec::new();
        for (path, item) in paths.into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let Some(operation) = operation.as_object() else { continue };
                if is_shadowed(method, path) {
                    continue;
                }
                let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
                all.push(Self { path: plain_path(path), method, id, operation });
            }
        }
        all
    }

    fn has_mark(&self, mark: &str) -> bool {
        let security = self.operation.get("security").and_then(Value::as_array);
        security.into_iter().flatten().any(|requirement| requirement.get(mark).is_some())
    }

    fn parameters(&self, place: &str) -> Vec<&'a str> {
        let parameters = self.operation.get("parameters").and_then(Value::as_array);
        let parameters = parameters.into_iter().flatten();
        let here = parameters
            .filter(|parameter| parameter.get("in").and_then(Value::as_str) == Some(place));
        here.filter_map(|parameter| parameter.get("name")?.as_str()).collect()
    }

    fn finish(
        &self,
        row: &Operation,
        schemas: &Map<String, Value>,
        settings: &ApiSettings,
        mismatches: &mut Vec<String>,
    ) -> Value {
        let mut operation = Map::new();
        for keyword in ["operationId", "tags", "summary", "description"] {
            match self.operation.get(keyword) {
                Some(Value::String(text)) => {
                    let text = unwrapped(text);
                    let title = text.strip_suffix('.').filter(|_| keyword == "summary");
                    operation.insert(keyword.to_owned(), title.unwrap_or(&text).into());
                }
                Some(value) => drop(operation.insert(keyword.to_owned(), value.clone())),
                None => mismatches.push(format!("{}: no {keyword}", self.id)),
            }
        }
        let body = self.operation.get("requestBody").and_then(reference);
        let caller = match (self.has_mark(TOKEN), self.has_mark(CACHE_ACCESS)) {
            (true, _) => Some(CacheAccess::Authenticated),
            (_, true) => Some(settings.cache_access),
            _ => None,
        };
        let (path, query) = (self.parameters("path"), self.parameters("query"));
        let parameters: Vec<_> = (path.iter().map(|name| schemas::path_parameter(name)))
            .chain(query.iter().map(|name| schemas::query_parameter(row.dialect, name)))
            .collect();
        if parameters.contains(&None) {
            mismatches.push(format!("{}: an unknown parameter", self.id));
        }
        if !parameters.is_empty() {
            operation.insert("parameters".to_owned(), json!(parameters));
        }
        if let Some(name) = body {
            operation.insert("requestBody".to_owned(), request_body(name));
        }
        if matches!(caller, Some(CacheAccess::Authenticated | CacheAccess::Superuser)) {
            operation.insert(
                "security".to_owned(),
                json!([{ "bearer": [] }, { "OAuth2PasswordBearer": [] }]),
            );
        } else {
            operation.insert("security".to_owned(), json!([]));
        }
        let empty = Map::new();
        let successes = self.operation.get("responses").and_then(Value::as_object);
        let takes = Takes { path, query, body: body.and_then(|name| schemas.get(name)), caller };
        let responses = responses(row, successes.unwrap_or(&empty), &takes, schemas, settings);
        operation.insert("responses".to_owned(), responses.into());
        operation.into()
    }
}

/// `GET /cache/test` is `GET /cache/{key}`, routed apart for the sake of `POST`.
fn is_shadowed(method: &str, path: &str) -> bool {
    method == "get" && path == "/cache/{key:test}"
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

/// The name of the schema that a request body or a response refers to.
fn reference(content: &Value) -> Option<&str> {
    let schema = content.get("content")?.as_object()?.values().next()?.get("schema")?;
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}

/// The form that log-in takes as well is not listed here but in the security scheme, whose password
/// flow defines it (RFC 6749 §4.3.2): of a body of two media types openapi-python-client makes code
/// that cannot be imported (its issue 1451).
fn request_body(schema: &str) -> Value {
    let content = json!({ "application/json": { "schema": schema_ref(schema) } });
    json!({ "required": true, "content": content })
}

fn components(
    collected: &Value,
    settings: &ApiSettings,
    codes: &[&str],
    mismatches: &mut Vec<String>,
) -> Map<String, Value> {
    let empty = Map::new();
    let found = collected.pointer("/components/schemas").and_then(Value::as_object);
    let found = found.unwrap_or(&empty);
    let mut finished = Map::new();
    for schema in schemas::schemas(settings) {
        let name = schema.name;
        let Some(definition) = found.get(name) else {
            mismatches.push(format!("{name}: no such type"));
            continue;
        };
        let properties = definition.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let differing = (properties.keys().filter(|field| !schema.properties.contains_key(*field)))
            .chain(schema.properties.keys().filter(|field| !properties.contains_key(*field)));
        mismatches.extend(differing.map(|field| format!("{name}.{field}: only on one side")));
        let description = definition.get("description").and_then(Value::as_str).unwrap_or_default();
        finished.insert(name.to_owned(), schema.finish(description, properties));
    }
    let unknown = found.keys().filter(|name| !finished.contains_key(*name));
    mismatches.extend(unknown.map(|name| format!("{name}: no rules for this type")));
    let uncollected = schemas::uncollected(codes);
    finished.extend(uncollected.into_iter().map(|(name, schema)| (name.to_owned(), schema)));
    finished
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
        { "name": "General", "description": "What this is, and whether it works." },
        { "name": "Authentication", "description": "Registration, log-in, tokens." },
        { "name": "User Management", "description": "Profiles, and what administrators do." },
        { "name": "Audit", "description": "What happened, for administrators." },
        { "name": "Cache", "description": "Values that clients keep for each other." },
        {
            "name": "Authentication (envelope)",
            "description": "Registration, log-in and the own profile, in the envelope dialect.",
        },
        {
            "name": "Administration (envelope)",
            "description": "What administrators do, in the envelope dialect.",
        },
    ])
}

fn security_schemes() -> Value {
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
            "flows": { "password": { "tokenUrl": "/api/v1/auth/login", "scopes": {} } },
        },
    })
}

#[cfg(test)]
mod tests;
