//! The one way in which bodies are read.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt as _;
use garde::{Unvalidated, Valid, Validate};
use menjin_http::deadline::pause_during;
use menjin_http::json;
use menjin_http::limits::READ_TIMEOUT;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::field::field_names;
use crate::failure::Failure;
use crate::problem::{Located, Place, Problem};
use crate::state::Api;

/// The longest body, in bytes.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// A request type: read from an object, its rules run by garde with a context made from the
/// settings.
pub(crate) trait RequestBody: DeserializeOwned + Validate {
    /// Whether HTML forms are taken as well as JSON (RFC 6749 §4.3.2 sends one to log in).
    const ACCEPTS_FORM: bool = false;

    /// What the rules depend on.
    fn context(api: &Api) -> Self::Context;
}

/// A body that was read and whose every rule holds.
pub(crate) struct Body<T>(Valid<T>);

impl<T> Deref for Body<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: RequestBody + 'static> FromRequest for Body<T> {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let media = MediaType::of(&request, T::ACCEPTS_FORM)?;
            let bytes = read(&request, payload).await?;
            let object = match media {
                MediaType::Json => json::parse_object(&bytes).map_err(Problem::from),
                MediaType::Form => parse_form(&bytes),
            }
            .map_err(|problem| Failure::invalid(Place::Body, None, problem))?;
            let api = request.app_data::<Data<Api>>().ok_or(Failure::Internal(None))?;
            validate(object, &T::context(api), Place::Body).map(Self)
        })
    }
}

/// Runs all rules and reports all that break.
pub(crate) fn validate<T: DeserializeOwned + Validate>(
    object: Map<String, Value>,
    context: &T::Context,
    place: Place,
) -> Result<Valid<T>, Failure> {
    let body: T = serde_json::from_value(Value::Object(object))
        .map_err(|_detail| Failure::invalid(place, None, Problem::MalformedJson))?;
    Unvalidated::new(body).validate_with(context).map_err(|report| {
        let located = |(path, error): &(garde::Path, garde::Error)| Located {
            place,
            field: Some(path.to_string()),
            problem: Problem::from_garde(error),
        };
        let mut problems: Vec<Located> = report.iter().map(located).collect();
        // garde sorts by name; clients show the first problem, which is to be that of the first field.
        let order = field_names::<T>();
        problems.sort_by_key(|problem| {
            order.iter().position(|name| problem.field.as_deref() == Some(name))
        });
        Failure::Invalid(problems)
    })
}

#[derive(Clone, Copy)]
enum MediaType {
    Json,
    Form,
}

impl MediaType {
    fn of(request: &HttpRequest, accepts_form: bool) -> Result<Self, Failure> {
        let mut headers = request.headers().get_all(CONTENT_TYPE);
        // Of two, a proxy may have looked at the other one.
        let header = headers.next().filter(|_| headers.next().is_none());
        let header = header.and_then(|value| value.to_str().ok());
        let mut parts =
            header.unwrap_or_default().split(';').map(|part| part.trim().to_ascii_lowercase());
        let essence = parts.next().unwrap_or_default();
        let utf8 = parts
            .filter_map(|part| part.strip_prefix("charset=").map(str::to_owned))
            .all(|charset| matches!(charset.trim_matches('"'), "utf-8" | "utf8"));
        match essence.as_str() {
            _ if !utf8 => Err(Failure::UnsupportedMediaType),
            "application/json" => Ok(Self::Json),
            other if other.starts_with("application/") && other.ends_with("+json") => {
                Ok(Self::Json)
            }
            "application/x-www-form-urlencoded" if accepts_form => Ok(Self::Form),
            _ => Err(Failure::UnsupportedMediaType),
        }
    }
}

/// Reads the body whole, within its bounds of size and time.
async fn read(request: &HttpRequest, payload: Payload) -> Result<Bytes, Failure> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|length| length.parse::<u64>().ok()).is_some_and(|n| n > MAX_BODY as u64)
    {
        return Err(Failure::TooLarge);
    }
    pause_during(tokio::time::timeout(READ_TIMEOUT, collect(payload)))
        .await
        .map_err(|_elapsed| Failure::RequestTimeout)?
}

async fn collect(mut payload: Payload) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            tracing::debug!(%error, "a body broke off");
            Failure::BadRequest
        })?;
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Failure::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Parses what is URL-encoded: a form, a query.
pub(crate) fn parse_form(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_bytes(bytes).map_err(|_detail| Problem::MalformedJson)?;
    let mut object = Map::new();
    for (name, value) in pairs {
        if object.insert(name, Value::String(value)).is_some() {
            return Err(Problem::Repeated);
        }
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    use actix_web::error::PayloadError;
    use futures_util::FutureExt as _;
    use proptest::prelude::*;

    use super::*;

    /// What `collect` makes of a body that comes in these chunks.
    fn collected(chunks: Vec<Vec<u8>>) -> Result<Bytes, Failure> {
        let chunks = chunks.into_iter().map(|chunk| Ok::<_, PayloadError>(Bytes::from(chunk)));
        let stream = Box::pin(futures_util::stream::iter(chunks));
        collect(Payload::Stream { payload: stream }).now_or_never().unwrap()
    }

    proptest! {
        #[test]
        fn a_body_is_the_same_in_whatever_chunks_it_comes(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..20),
        ) {
            prop_assert_eq!(collected(chunks.clone()).unwrap(), chunks.concat());
        }

        #[test]
        fn i7_a_body_beyond_the_bound_is_refused_in_whatever_chunks(
            sizes in prop::collection::vec(1_usize..30_000, 1..6),
        ) {
            let total: usize = sizes.iter().sum();
            let answer = collected(sizes.into_iter().map(|size| vec![b' '; size]).collect());
            match answer {
                Ok(body) => prop_assert!(total <= MAX_BODY && body.len() == total),
                Err(failure) => {
                    prop_assert!(total > MAX_BODY && matches!(failure, Failure::TooLarge));
                }
            }
        }

        #[test]
        fn forms_are_read_as_they_were_written_and_no_name_twice(
            pairs in prop::collection::vec(any::<(String, String)>(), 0..6),
            bytes in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let form = serde_urlencoded::to_string(&pairs).unwrap();
            let unique: std::collections::BTreeMap<_, _> = pairs.iter().cloned().collect();
            match parse_form(form.as_bytes()) {
                Ok(object) => {
                    let object: std::collections::BTreeMap<_, _> = object.into_iter().collect();
                    let unique = unique.into_iter().map(|(name, text)| (name, Value::from(text)));
                    prop_assert_eq!(object, unique.collect());
                }
                Err(problem) => {
                    prop_assert_eq!(problem, Problem::Repeated);
                    prop_assert!(unique.len() < pairs.len());
                }
            }
            // Whatever it is, it is an answer.
            drop(parse_form(&bytes));
        }

        #[test]
        fn i8_a_media_type_is_one_or_refused(header in "[ -~]{0,40}") {
            let request = actix_web::test::TestRequest::default();
            let request = request.insert_header((CONTENT_TYPE, header.clone())).to_http_request();
            let taken = MediaType::of(&request, true).is_ok();
            let header = header.to_ascii_lowercase();
            prop_assert!(!taken || header.contains("json") || header.contains("urlencoded"));
        }
    }
}
