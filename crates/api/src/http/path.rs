//! Parameters in paths.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use menjin_web::ApiError;
use menjin_web::problem::{FieldError, Place};
use menjin_web::schema::{Components, with};
use menjin_web::values::PathParameter;
use serde_json::json;

use super::body::rules;
use super::reply::Rejection;
use crate::endpoint::{Input, Signature};

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
    FieldError { place: Place::Path, field: Some(T::NAME.into()), problem }.into()
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
