//! The answers of an operation, as the server gives them: each error is rendered as it would be for a
//! client, and what comes out is documented.

use std::net::Ipv4Addr;

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::MessageBody as _;
use actix_web::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use menjin_web::schema::{Components, with};
use menjin_web::{ApiError, Locale};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::dialect::{Dialect, ReplyContext};
use crate::endpoint::{Operation, Signature};

/// The request id in examples.
const REQUEST_ID: Uuid = Uuid::from_u128(0x0197_c1f0_5a9e_7cc3_98c4_dc0c_0c07_398f);

/// All answers: success as the handler returns it, those that the endpoint lists, and errors.
pub(super) fn responses(
    dialect: &'static Dialect,
    operation: &Operation,
    signature: Signature,
    locale: Locale,
    components: &mut Components<'_>,
) -> Map<String, Value> {
    let mut responses = Map::new();
    if let Some((status, schema)) = (operation.output)(components) {
        let mut content = json!({ "schema": schema });
        if let Some(message) = operation.message {
            let example = example_of(&schema, components.schemas);
            let example = with(example, json!({ "message": message.in_locale(locale) }));
            content = with(content, json!({ "example": example }));
        }
        responses.insert(status.to_string(), answer(operation.success, &content));
    }
    for (status, meaning, schema) in &operation.answers {
        let content = json!({ "schema": schema(components) });
        responses.insert(status.to_string(), answer(meaning, &content));
    }
    if let Some((status, meaning)) = operation.empty {
        responses.insert(status.to_string(), json!({ "description": meaning }));
    }
    if let Some((meaning, media_types)) = operation.file {
        let text = json!({ "schema": { "type": "string" } });
        let content = media_types.iter().map(|media_type| ((*media_type).to_owned(), text.clone()));
        let content: Map<_, _> = content.collect();
        responses.insert("200".to_owned(), json!({ "description": meaning, "content": content }));
    }
    let own = operation.refusals.iter().map(|kind| (kind.code(), ApiError::from(*kind)));
    let errors = signature.errors.into_iter().chain(own);
    responses.extend(error_responses(dialect, errors, locale, components));
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

fn error_responses(
    dialect: &'static Dialect,
    errors: impl Iterator<Item = (&'static str, ApiError)>,
    locale: Locale,
    components: &mut Components<'_>,
) -> Map<String, Value> {
    let context = ReplyContext {
        page: None,
        dialect,
        locale,
        request_id: REQUEST_ID.into(),
        client: Ipv4Addr::LOCALHOST.into(),
        is_form: false,
        strict_transport: None,
    };
    let mut groups = BTreeMap::<u16, Group>::new();
    for (name, mut error) in errors {
        // Only those with a wait show it.
        error.wait = Some(Duration::from_secs(60));
        let response = (dialect.render)(&error, &context);
        let group = groups.entry(error.kind.status()).or_default();
        let meaning = error.kind.meaning().to_owned();
        if !group.meanings.contains(&meaning) {
            group.meanings.push(meaning);
        }
        group.headers.extend(headers(&response));
        group.examples.insert(name.to_owned(), body(response));
    }
    let describe = |(status, group): (u16, Group)| {
        let schema = (dialect.error_schema)(status, components);
        (status.to_string(), group.into_response(&schema))
    };
    groups.into_iter().map(describe).collect()
}

impl Group {
    fn into_response(self, schema: &Value) -> Value {
        let examples: Map<String, Value> = self
            .examples
            .into_iter()
            .map(|(name, value)| (name, json!({ "value": value })))
            .collect();
        let content = json!({ "schema": schema, "examples": examples });
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
    // Of an answer: what is not there always, is not in the example.
    let required = schema.get("required").and_then(Value::as_array);
    let is_there = |name: &str| {
        required.is_none_or(|required| required.iter().any(|each| each.as_str() == Some(name)))
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    let property = |(name, schema): (&String, &Value)| (name.clone(), example_of(schema, schemas));
    let properties = properties.into_iter().flatten();
    properties.filter(|(name, _)| is_there(name)).map(property).collect()
}

/// With a capital letter.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
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
