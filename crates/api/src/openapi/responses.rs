//! The answers of an operation, as the server gives them: each failure is rendered as it would be
//! for a client, and what comes out is documented.

use std::collections::BTreeMap;

use actix_web::body::MessageBody as _;
use actix_web::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, http::StatusCode};
use menjin_domain::cache::CacheAccess;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::operations::{Operation, store};
use super::schema_ref;
use crate::failure::Failure;
use crate::http::scope::{Dialect, Scope};
use crate::problem::{Located, Place, Problem};
use crate::state::ApiSettings;
use crate::{envelope, v1};

/// The request id in examples.
const REQUEST_ID: Uuid = Uuid::from_u128(0x0197_c1f0_5a9e_7cc3_98c4_dc0c_0c07_398f);

impl Dialect {
    /// The answer to a request that failed.
    fn render(self, failure: &Failure, scope: &Scope) -> HttpResponse {
        match self {
            Self::V1 => v1::render(failure, scope),
            Self::Envelope => envelope::render(failure, scope),
        }
    }

    fn error_schema(self, status: u16) -> &'static str {
        match (self, status) {
            (Self::V1, 422) => "ValidationError",
            (Self::V1, _) => "Error",
            (Self::Envelope, 422) => "ValidationErrorEnvelope",
            (Self::Envelope, _) => "ErrorEnvelope",
        }
    }
}

/// What an operation takes, as paperclip collected it.
pub(super) struct Takes<'a> {
    /// The names of parameters in the path.
    pub(super) path: Vec<&'a str>,
    /// The names of parameters in the query.
    pub(super) query: Vec<&'a str>,
    /// The schema of the body.
    pub(super) body: Option<&'a Value>,
    pub(super) caller: Option<CacheAccess>,
}

/// All answers: the successes that its type shows, those of the table, and its failures.
pub(super) fn responses(
    operation: &Operation,
    collected: &Map<String, Value>,
    takes: &Takes<'_>,
    schemas: &Map<String, Value>,
    settings: &ApiSettings,
) -> Map<String, Value> {
    let mut responses = Map::new();
    for (status, response) in collected {
        let schema = response.pointer("/content/application~1json/schema");
        let mut content = json!({ "schema": schema.cloned().unwrap_or_default() });
        if let (Some(message), Some(content)) = (operation.message, content.as_object_mut()) {
            let mut example = schema.map_or(Value::Null, |schema| example_of(schema, schemas));
            if let Some(example) = example.as_object_mut() {
                example.insert("message".to_owned(), message.text(settings.locale).into());
            }
            content.insert("example".to_owned(), example);
        }
        responses.insert(status.clone(), answer(operation.success, &content));
    }
    for (status, schema, meaning) in operation.answers {
        let content = json!({ "schema": schema_ref(schema) });
        responses.insert(status.to_string(), answer(meaning, &content));
    }
    responses.extend(failures(operation, takes, settings));
    responses
}

fn answer(description: &str, content: &Value) -> Value {
    json!({ "description": description, "content": { "application/json": content } })
}

/// What one status is answered for.
#[derive(Default)]
struct Group {
    meanings: Vec<String>,
    examples: BTreeMap<String, Value>,
    headers: Map<String, Value>,
}

fn failures(
    operation: &Operation,
    takes: &Takes<'_>,
    settings: &ApiSettings,
) -> impl Iterator<Item = (String, Value)> {
    let (dialect, locale) = (operation.dialect, settings.locale);
    let request_id = REQUEST_ID.into();
    let scope = Scope { dialect, locale, request_id, strict_transport: None };
    let mut groups = BTreeMap::<StatusCode, Group>::new();
    let common = common(takes);
    let own = operation.failures.iter().map(|failure| (v1::code(failure), failure));
    for (name, failure) in common.iter().map(|(name, failure)| (*name, failure)).chain(own) {
        let response = dialect.render(failure, &scope);
        let group = groups.entry(response.status()).or_default();
        let meaning = failure.to_string();
        if !group.meanings.contains(&meaning) {
            group.meanings.push(meaning);
        }
        group.headers.extend(headers(&response));
        group.examples.insert(name.to_owned(), body(response));
    }
    groups.into_iter().map(move |(status, group)| {
        let schema = dialect.error_schema(status.as_u16());
        (status.as_str().to_owned(), group.into_response(schema))
    })
}

impl Group {
    fn into_response(self, schema: &str) -> Value {
        let examples: Map<String, Value> = self
            .examples
            .into_iter()
            .map(|(name, value)| (name, json!({ "value": value })))
            .collect();
        let content = json!({ "schema": schema_ref(schema), "examples": examples });
        let mut response = answer(&sentence(&self.meanings.join("; ")), &content);
        if let (false, Some(response)) = (self.headers.is_empty(), response.as_object_mut()) {
            response.insert("headers".to_owned(), self.headers.into());
        }
        response
    }
}

/// What the examples of a schema's parts make together.
fn example_of(schema: &Value, schemas: &Map<String, Value>) -> Value {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.rsplit('/').next().unwrap_or_default();
        return schemas.get(name).map_or(Value::Null, |schema| example_of(schema, schemas));
    }
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(items) = schema.get("items") {
        return json!([example_of(items, schemas)]);
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let property = |(name, schema): (&String, &Value)| (name.clone(), example_of(schema, schemas));
    properties.into_iter().flatten().map(property).collect()
}

/// With a capital letter.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// The failures that follow from what an operation takes.
fn common(takes: &Takes<'_>) -> Vec<(&'static str, Failure)> {
    let mut failures = Vec::new();
    match takes.caller {
        Some(CacheAccess::Authenticated | CacheAccess::Superuser) => {
            failures
                .extend([false, true].map(|token_sent| Failure::Unauthenticated { token_sent }));
            failures.extend(store());
        }
        Some(CacheAccess::Public | CacheAccess::Off) | None => {}
    }
    if takes.caller == Some(CacheAccess::Superuser) {
        failures.push(Failure::Forbidden);
    }
    if takes.body.is_some() {
        failures.extend([
            Failure::TooLarge,
            Failure::UnsupportedMediaType,
            Failure::RequestTimeout,
        ]);
    }
    let named = |failure: Failure| (v1::code(&failure), failure);
    let mut failures: Vec<_> = failures.into_iter().map(named).collect();
    for name in &takes.path {
        let problem = if *name == "key" { Problem::NotACacheKey } else { Problem::NotAnInteger };
        failures.push(("invalid_path", Failure::invalid(Place::Path, Some(*name), problem)));
    }
    if let Some(name) = takes.query.first() {
        let problem =
            if *name == "action" { Problem::UnknownAction } else { Problem::NotAnInteger };
        failures.push(("invalid_query", Failure::invalid(Place::Query, Some(*name), problem)));
    }
    if let Some(schema) = takes.body {
        failures.push(("invalid_body", Failure::Invalid(vec![problem_in_body(schema)])));
        failures.push(("not_json", Failure::invalid(Place::Body, None, Problem::MalformedJson)));
    }
    failures
}

/// A field that is missing; of a body without required fields one that is of the wrong type.
fn problem_in_body(schema: &Value) -> Located {
    let required = schema.pointer("/required/0").and_then(Value::as_str);
    if let Some(name) = required {
        return Problem::Missing.located(Place::Body, name);
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let first = properties.and_then(|properties| properties.keys().next());
    Problem::NotAString.located(Place::Body, first.map_or("", String::as_str))
}

/// The headers that tell a client what to do.
fn headers(response: &HttpResponse) -> Map<String, Value> {
    let documented = [
        (
            WWW_AUTHENTICATE,
            "The scheme to authenticate with (RFC 6750), with `error=\"invalid_token\"` if a token \
             was sent",
            "string",
        ),
        (RETRY_AFTER, "Seconds to wait before trying again", "integer"),
    ];
    documented
        .into_iter()
        .filter(|(name, ..)| response.headers().contains_key(name))
        .map(|(name, description, r#type)| {
            let header = json!({
                "description": description, "required": true, "schema": { "type": r#type },
            });
            (canonical(name.as_str()), header)
        })
        .collect()
}

/// `retry-after` as it is commonly written.
fn canonical(name: &str) -> String {
    match name {
        "www-authenticate" => "WWW-Authenticate".to_owned(),
        _ => name.split('-').map(sentence).collect::<Vec<_>>().join("-"),
    }
}

fn body(response: HttpResponse) -> Value {
    let bytes = response.into_body().try_into_bytes().unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Every reason in an error of v1.
pub(super) fn codes(operations: &[Operation]) -> Vec<&'static str> {
    let body = Value::Null;
    let takes = Takes {
        path: Vec::new(),
        query: Vec::new(),
        body: Some(&body),
        caller: Some(CacheAccess::Superuser),
    };
    let common = common(&takes);
    let anywhere = super::operations::anywhere();
    let mut codes: Vec<_> = operations
        .iter()
        .flat_map(|operation| &operation.failures)
        .chain(common.iter().map(|(_, failure)| failure))
        .filter(|failure| !matches!(failure, Failure::Invalid(_)))
        .chain(&anywhere)
        .map(v1::code)
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}
