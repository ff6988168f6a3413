//! The one way in which queries are read.

use std::collections::BTreeSet;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use menjin_web::ApiError;
use menjin_web::field::Request;
use menjin_web::problem::{FieldError, Place, Problem};
use menjin_web::schema::{Components, Schema, with};
use serde_json::{Value, json};

use super::body::{example_of_invalid, object_of, pairs, rules, validate};
use super::reply::Rejection;
use crate::endpoint::{Input, Signature};

/// A query whose every field is valid. A parameter that there is not is refused: a filter that is
/// ignored shows a client the wrong records. Names that begin with `_`, which some clients add
/// against caches, are ignored. A parameter that is given twice is refused, since a proxy may have
/// looked at the other.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: Request> FromRequest for Query<T> {
    type Error = Rejection;
    type Future = Ready<Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = || {
            let in_query = |problem| (Place::Query, problem);
            let sent = pairs(request.query_string().as_bytes()).map_err(in_query)?;
            let sent = sent.into_iter().filter(|(name, _)| !name.starts_with('_'));
            let (known, unknown): (Vec<_>, Vec<_>) =
                sent.partition(|(name, _)| T::FIELDS.contains(&name.as_str()));
            let unknown: BTreeSet<_> = unknown.into_iter().map(|(name, _)| name).collect();
            let object = object_of(known).map_err(in_query)?;
            let validated = validate(object, &rules(request)?, Place::Query);
            if unknown.is_empty() {
                return Ok(Self(validated?));
            }
            let mut error = validated.err().unwrap_or_else(|| ApiError::invalid(Vec::new()));
            error.fields.extend(unknown.into_iter().map(|name| FieldError {
                place: Place::Query,
                field: Some(name.into()),
                problem: Problem::UnknownParameter,
            }));
            Err(error.into())
        };
        ready(read())
    }
}

impl<T: Request + Schema> Input for Query<T> {
    fn describe(signature: &mut Signature, components: &mut Components<'_>) {
        let mut schema = T::inline(components);
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for (name, schema) in properties.into_iter().flatten() {
            let description = schema.as_object_mut().and_then(|rules| rules.remove("description"));
            let parameter = json!({
                "name": name, "in": "query", "required": false, "schema": schema,
            });
            let description = json!({ "description": description });
            signature.parameters.push(with(parameter, description));
        }
        let invalid = example_of_invalid::<T>(components, Place::Query, &Value::from("?"));
        signature.errors.push(("invalid_query", invalid));
    }
}
