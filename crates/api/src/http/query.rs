//! The one way in which queries are read.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use garde::{Valid, Validate};
use serde::de::DeserializeOwned;

use super::body::{parse_form, validate};
use crate::failure::Failure;
use crate::problem::Place;

/// A query whose every rule holds. Parameters that nobody knows are ignored; one given twice is
/// refused, since a proxy may have looked at the other.
pub(crate) struct Query<T>(Valid<T>);

impl<T> Deref for Query<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + Validate<Context = ()>> FromRequest for Query<T> {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let object = parse_form(request.query_string().as_bytes())
            .map_err(|problem| Failure::invalid(Place::Query, None, problem));
        ready(object.and_then(|object| validate(object, &(), Place::Query)).map(Self))
    }
}
