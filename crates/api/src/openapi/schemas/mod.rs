//! The rules of each schema. Properties and their types are collected by paperclip; what they may
//! hold is said here, with the numbers that the parsers use.

mod answers;
mod audit;
mod envelope;
mod requests;

use menjin_domain::cache::CacheKey;
use serde_json::{Map, Value, json};

use crate::http::scope::Dialect;
use crate::state::ApiSettings;

/// What clients may add to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unknown {
    /// Requests: what is not known is ignored.
    Ignored,
    /// Answers: there is nothing but what is named.
    Absent,
}

/// A schema that paperclip collected.
pub(super) struct Schema {
    pub(super) name: &'static str,
    /// The properties that are always there.
    pub(super) required: Vec<String>,
    /// What is to be said of each property.
    pub(super) properties: Map<String, Value>,
    unknown: Unknown,
}

impl Schema {
    fn request(name: &'static str, required: &[&str], properties: Value) -> Self {
        let required = required.iter().map(|name| (*name).to_owned()).collect();
        Self { name, required, properties: object(properties), unknown: Unknown::Ignored }
    }

    /// An answer has all its properties, always; what is not there is null.
    fn answer(name: &'static str, properties: Value) -> Self {
        let properties = object(properties);
        let required = properties.keys().cloned().collect();
        Self { name, required, properties, unknown: Unknown::Absent }
    }

    /// The schema, complete.
    pub(super) fn finish(self, description: &str, collected: &Map<String, Value>) -> Value {
        let mut properties = self.properties;
        for (name, rules) in &mut properties {
            let Some(rules) = rules.as_object_mut() else { continue };
            if rules.contains_key("$ref") || rules.contains_key("allOf") {
                continue;
            }
            let found = collected.get(name).and_then(Value::as_object);
            for (keyword, value) in found.into_iter().flatten() {
                rules.entry(keyword.clone()).or_insert_with(|| value.clone());
            }
        }
        let mut schema = object(json!({ "type": "object", "properties": properties }));
        if !description.is_empty() {
            schema.insert("description".to_owned(), description.into());
        }
        if !self.required.is_empty() {
            schema.insert("required".to_owned(), self.required.into());
        }
        if self.unknown == Unknown::Absent {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
        schema.into()
    }
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(object) = value { object } else { Map::new() }
}

/// The schemas of types that stand in handlers' signatures.
pub(super) fn schemas(settings: &ApiSettings) -> Vec<Schema> {
    let mut schemas = requests::requests(settings);
    schemas.extend(envelope::requests(settings));
    schemas.extend(answers::answers());
    schemas.extend(audit::answers());
    schemas.extend(envelope::answers());
    schemas
}

fn with(mut schema: Value, keyword: &str, value: &str) -> Value {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert(keyword.to_owned(), value.into());
    }
    schema
}

/// An object that has these properties, always, and no others.
fn closed(properties: &Value) -> Value {
    let names: Vec<_> =
        properties.as_object().into_iter().flatten().map(|(name, _)| name).collect();
    json!({
        "type": "object", "required": names, "properties": properties,
        "additionalProperties": false,
    })
}

/// The start of a token, as the documents print it.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...";

/// The same, or null.
fn maybe(mut schema: Value) -> Value {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("nullable".to_owned(), true.into());
    }
    schema
}

fn time() -> Value {
    json!({ "format": "date-time", "example": "2024-01-01T00:00:00.000000Z" })
}

fn key_rules() -> Value {
    json!({
        "minLength": 1, "maxLength": CacheKey::MAX, "example": "greeting",
        "pattern": r"^(?!\.{1,2}$)[A-Za-z0-9._:-]+$",
    })
}

/// The parameters in paths.
pub(super) fn path_parameter(name: &str) -> Option<Value> {
    let schema = match name {
        "user_id" => json!({
            "type": "integer", "format": "int64", "minimum": 1, "maximum": i64::MAX, "example": 1,
        }),
        "key" => with(key_rules(), "type", "string"),
        _ => return None,
    };
    let description = if name == "key" { "The key of the entry." } else { "The id of the user." };
    Some(json!({
        "name": name, "in": "path", "required": true, "description": description,
        "schema": schema,
    }))
}

/// The parameters in queries.
pub(super) fn query_parameter(dialect: Dialect, name: &str) -> Option<Value> {
    let (description, schema) = match dialect {
        Dialect::V1 => audit::query_parameter(name)?,
        Dialect::Envelope => envelope::query_parameter(name)?,
    };
    Some(json!({
        "name": name, "in": "query", "required": false, "description": description,
        "schema": schema,
    }))
}

/// The schemas that no signature shows.
pub(super) fn uncollected(codes: &[&str]) -> Vec<(&'static str, Value)> {
    let mut schemas = answers::uncollected(codes);
    schemas.extend(answers::keys());
    schemas.extend(audit::uncollected());
    schemas.extend(envelope::uncollected());
    schemas
}
