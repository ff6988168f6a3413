//! Parameters in paths.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use menjin_domain::cache::CacheKey;
use menjin_domain::common::{SessionId, UserId};
use menjin_web::ApiError;
use menjin_web::field::FieldType;
use menjin_web::problem::{FieldError, Place};
use menjin_web::schema::{Components, with};
use serde_json::{Value, json};

use super::body::rules;
use super::reply::Rejection;
use crate::endpoint::{Input, Signature};

/// A value that stands in paths.
pub(crate) trait PathParameter: FieldType<Json = String> {
    /// The name of the parameter.
    const NAME: &'static str;
    /// What it is.
    const DESCRIPTION: &'static str;

    /// A value that is valid.
    fn example() -> Value;
}

/// `{user_id}`.
impl PathParameter for UserId {
    const NAME: &'static str = "user_id";
    const DESCRIPTION: &'static str = "The id of the user.";

    fn example() -> Value {
        json!(1)
    }
}

/// `{session_id}`.
impl PathParameter for SessionId {
    const NAME: &'static str = "session_id";
    const DESCRIPTION: &'static str = "The id of the session.";

    fn example() -> Value {
        json!("0197c1f0-5a9e-7cc3-98c4-dc0c0c07398f")
    }
}

/// `{key}` of the cache.
impl PathParameter for CacheKey {
    const NAME: &'static str = "key";
    const DESCRIPTION: &'static str = "The key of the entry.";

    fn example() -> Value {
        json!("greeting")
    }
}

/// The parameter in the path that this value is.
pub(crate) struct Path<T: PathParameter>(pub(crate) T::Value);

impl<T: PathParameter> FromRequest for Path<T> {
    type Error = Rejection;
    type Future = Ready<Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = || {
            let text = request.match_info().query(T::NAME).to_owned();
            let value = T::parse(&text, &rules(request)?);
            Ok(Self(value.map_err(invalid::<T>)?))
        };
        ready(read())
    }
}

fn invalid<T: PathParameter>(problem: menjin_web::problem::Problem) -> ApiError {
    FieldError { place: Place::Path, field: Some(T::NAME), problem }.into()
}

impl<T: PathParameter> Input for Path<T> {
    fn describe(signature: &mut Signature, components: &mut Components<'_>) {
        let schema = with(T::schema(&components.rules), json!({ "example": T::example() }));
        signature.parameters.push(json!({
            "name": T::NAME, "in": "path", "required": true, "description": T::DESCRIPTION,
            "schema": schema,
        }));
        if let Err(problem) = T::parse(&"?".to_owned(), &components.rules) {
            signature.errors.push(("invalid_path", invalid::<T>(problem)));
        }
    }
}
