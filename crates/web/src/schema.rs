//! Types that describe themselves as JSON Schema, in the variant of OpenAPI 3.0.

use std::fmt::Display;
use std::marker::PhantomData;

use menjin_domain::common::{Timestamp, rfc3339};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::field_type::{FieldType, Rules};

/// The start of a token, as examples show it.
pub const TOKEN_EXAMPLE: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...";

/// The schemas that have a name, collected from whoever refers to them.
pub struct Components<'a> {
    /// The rules of the dialect that is described.
    pub rules: Rules,
    /// The schemas by name.
    pub schemas: &'a mut Map<String, Value>,
}

impl Components<'_> {
    /// A reference to the schema of this name, which is made if it is not there yet.
    pub fn refer(&mut self, name: &str, make: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.schemas.contains_key(name) {
            let schema = make(self);
            self.schemas.insert(name.to_owned(), schema);
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }
}

/// A type that describes itself.
pub trait Schema {
    /// The name under which the schema stands among the components; empty: it has none and stands
    /// where it is used.
    const NAME: &'static str = "";

    /// The schema itself.
    fn inline(components: &mut Components<'_>) -> Value;

    /// The schema, or a reference to it.
    fn schema(components: &mut Components<'_>) -> Value {
        if Self::NAME.is_empty() {
            Self::inline(components)
        } else {
            components.refer(Self::NAME, Self::inline)
        }
    }
}

macro_rules! plain {
    ($($type:ty: $schema:tt;)*) => {$(
        impl Schema for $type {
            fn inline(_: &mut Components<'_>) -> Value {
                json!($schema)
            }
        }
    )*};
}

plain! {
    bool: { "type": "boolean" };
    i64: { "type": "integer", "format": "int64" };
    u64: { "type": "integer", "format": "int64" };
    &'static str: { "type": "string" };
    String: { "type": "string" };
}

/// `null` is what is not there.
impl<T: Schema> Schema for Option<T> {
    fn inline(components: &mut Components<'_>) -> Value {
        nullable(T::schema(components))
    }
}

impl<T: Schema> Schema for Vec<T> {
    fn inline(components: &mut Components<'_>) -> Value {
        json!({ "type": "array", "items": T::schema(components) })
    }
}

/// A value that requests hold, too, as it is written.
#[derive(Debug, Clone)]
pub struct Written<T> {
    text: String,
    value: PhantomData<T>,
}

impl<T: Display> From<&T> for Written<T> {
    fn from(value: &T) -> Self {
        Self { text: value.to_string(), value: PhantomData }
    }
}

impl<T> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<T: FieldType> Schema for Written<T> {
    fn inline(components: &mut Components<'_>) -> Value {
        T::schema(&components.rules)
    }
}

/// A schema with more keywords. Beside a reference readers ignore them, so they stand around it.
pub fn with(mut schema: Value, keywords: Value) -> Value {
    if schema.get("$ref").is_some() {
        schema = json!({ "allOf": [schema] });
    }
    if let (Some(schema), Value::Object(keywords)) = (schema.as_object_mut(), keywords) {
        schema.extend(keywords);
    }
    schema
}

/// The schema of an object with one field more.
pub fn with_field(mut schema: Value, name: &str, field: Value) -> Value {
    if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        fields.insert(name.to_owned(), field);
    }
    schema
}

/// A schema that allows `null`, too. `nullable` alone does not allow it where the values are listed
/// (OpenAPI 3.0.3, "Schema Object").
pub fn nullable(schema: Value) -> Value {
    let mut schema = with(schema, json!({ "nullable": true }));
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
    schema
}

/// A schema with a description, unless that is empty. It may be a doc comment of several lines.
pub fn described(schema: Value, description: &str) -> Value {
    let description = description.trim();
    if description.is_empty() {
        return schema;
    }
    with(schema, json!({ "description": description }))
}

/// A moment, written in RFC 3339 in UTC.
#[derive(Debug, Clone, Copy)]
pub struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339(self.0))
    }
}

impl Schema for Time {
    fn inline(_: &mut Components<'_>) -> Value {
        json!({
            "type": "string", "format": "date-time", "example": "2024-01-01T00:00:00.000000Z",
        })
    }
}

/// One of these names.
pub fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Value {
    all.iter().copied().map(name).collect::<Vec<_>>().into()
}

/// An object that a request holds. What else it holds is ignored.
pub fn request(properties: &Map<String, Value>, required: &[&str]) -> Value {
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema = with(schema, json!({ "required": required }));
    }
    schema
}

/// An object that a response holds: it has all these properties, always, and no others.
pub fn response(properties: &Map<String, Value>) -> Value {
    let required: Vec<_> = properties.keys().cloned().collect();
    json!({
        "type": "object", "required": required, "properties": properties,
        "additionalProperties": false,
    })
}

/// Declares the type of a response: the struct, how it is written as JSON, and its schema. A doc
/// comment is a description; after `=>` stand further keywords of the field.
///
/// ```
/// menjin_web::response! {
///     /// A pet.
///     struct Pet as "Pet" {
///         /// As its owner calls it.
///         name: String => { "example": "阿黄" },
///         owner_id: Option<i64>,
///     }
/// }
/// ```
#[macro_export]
macro_rules! response {
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $type:ident $(as $name:literal)? {
            $(
                $(#[doc = $field_doc:literal])*
                $field_vis:vis $field:ident: $kind:ty $(=> { $($keywords:tt)* })?,
            )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive($crate::macros::serde::Serialize)]
        #[serde(crate = "menjin_web::macros::serde")]
        $vis struct $type {
            $($(#[doc = $field_doc])* $field_vis $field: $kind,)*
        }

        impl $crate::schema::Schema for $type {
            $(const NAME: &'static str = $name;)?

            fn inline(
                components: &mut $crate::schema::Components<'_>,
            ) -> $crate::macros::serde_json::Value {
                use $crate::schema::{Schema, described, response, with};
                let mut properties = $crate::macros::serde_json::Map::new();
                $(
                    let schema = <$kind as Schema>::schema(components);
                    $(let schema = with(schema, $crate::macros::serde_json::json!({ $($keywords)* }));)?
                    let schema = described(schema, concat!($($field_doc),*));
                    properties.insert(stringify!($field).to_owned(), schema);
                )*
                described(response(&properties), concat!($($doc),*))
            }
        }
    };
}
