//! The one way in which bodies are read.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt as _;
use menjin_http::deadline::pause_during;
use menjin_http::json::{self, JsonError};
use menjin_http::limits::READ_TIMEOUT;
use menjin_web::field::{Request, Rules};
use menjin_web::problem::{FieldError, Place, Problem};
use menjin_web::schema::{Components, Schema};
use menjin_web::{ApiError, ErrorKind};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::reply::Rejection;
use crate::dialect::ReplyContext;
use crate::endpoint::{Input, Signature};
use crate::state::Api;

/// The longest body, in bytes.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// The longest body that lists many users, in bytes.
const MAX_LIST: usize = 256 * 1024;

/// How slowly a body of more than [`MAX_BODY`] may come, in bytes a second.
const SLOWEST: usize = 64 * 1024;

/// How much of a body is read, and what is refused with what is longer.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) max: usize,
    pub(super) too_large: ErrorKind,
}

const USUAL: Bounds = Bounds { max: MAX_BODY, too_large: ErrorKind::TooLarge };
const LIST: Bounds = Bounds { max: MAX_LIST, too_large: ErrorKind::UploadTooLarge };

/// A body in JSON that was read and whose every field is valid.
pub(crate) struct Body<T, const FORM: bool = false>(pub(crate) T);

/// The same, or an HTML form (RFC 6749 §4.3.2 sends one to log in).
pub(crate) type BodyOrForm<T> = Body<T, true>;

impl<T: Request + 'static, const FORM: bool> FromRequest for Body<T, FORM> {
    type Error = Rejection;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Rejection>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { Ok(Self(parse(&request, payload, FORM, USUAL).await?.0)) })
    }
}

/// A body in JSON that may list many users.
pub(crate) struct ListBody<T>(pub(crate) T);

impl<T: Request + 'static> FromRequest for ListBody<T> {
    type Error = Rejection;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Rejection>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { Ok(Self(parse(&request, payload, false, LIST).await?.0)) })
    }
}

impl<T: Request + Schema> Input for ListBody<T> {
    fn describe(signature: &mut Signature, components: &mut Components<'_>) {
        Body::<T>::describe(signature, components);
        // The limit is another one.
        signature.errors.retain(|(_, error)| error.kind != ErrorKind::TooLarge);
        signature.may_refuse(&[ErrorKind::UploadTooLarge]);
    }
}

/// The same with the bytes as they were sent.
pub(crate) struct RawBody<T>(pub(crate) T, pub(crate) Bytes);

impl<T: Request + 'static> FromRequest for RawBody<T> {
    type Error = Rejection;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Rejection>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let (body, bytes) = parse(&request, payload, false, USUAL).await?;
            Ok(Self(body, bytes))
        })
    }
}

impl<T: Request + Schema> Input for RawBody<T> {
    fn describe(signature: &mut Signature, components: &mut Components<'_>) {
        Body::<T>::describe(signature, components);
    }
}

/// Two fields that only some requests need: an error that names those that are not there.
pub(crate) fn required<A, B>(
    (first, a): (&'static str, Option<A>),
    (second, b): (&'static str, Option<B>),
) -> Result<(A, B), ApiError> {
    let missing = [(first, a.is_none()), (second, b.is_none())];
    if let (Some(a), Some(b)) = (a, b) {
        return Ok((a, b));
    }
    let missing = missing.into_iter().filter(|(_, is_missing)| *is_missing);
    let fields = missing.map(|(name, _)| FieldError::in_body(name, Problem::Missing));
    Err(ApiError::invalid(fields.collect()))
}

async fn parse<T: Request>(
    request: &HttpRequest,
    payload: Payload,
    accepts_form: bool,
    bounds: Bounds,
) -> Result<(T, Bytes), ApiError> {
    let media = MediaType::of(request, accepts_form)?;
    if !is_plain(request) {
        return Err(ErrorKind::UnsupportedContentEncoding.into());
    }
    let bytes = read(request, payload, bounds).await?;
    let object = match media {
        MediaType::Json => json::parse_object(&bytes).map_err(|error| match error {
            JsonError::Malformed => Problem::MalformedJson,
            JsonError::RepeatedName => Problem::RepeatedName,
            JsonError::TooDeep => Problem::TooDeep,
            JsonError::LoneSurrogate => Problem::LoneSurrogate,
            JsonError::NotAnObject => Problem::BodyNotAnObject,
        }),
        MediaType::Form => parse_form(&bytes),
    };
    let object = object.map_err(|problem| (Place::Body, problem))?;
    // A parameter without a value counts as none (RFC 6749 §3.2).
    let is_of_password = |grant: &Value| grant == "password" || grant == "";
    if let MediaType::Form = media
        && !object.get("grant_type").is_none_or(is_of_password)
    {
        return Err(ErrorKind::UnsupportedGrantType.into());
    }
    Ok((validate(object, &rules(request)?, Place::Body)?, bytes))
}

impl<T: Request + Schema, const FORM: bool> Input for Body<T, FORM> {
    fn describe(signature: &mut Signature, components: &mut Components<'_>) {
        signature.body = Some(T::schema(components));
        signature.may_refuse(&[
            ErrorKind::TooLarge,
            if FORM { ErrorKind::NeitherJsonNorForm } else { ErrorKind::UnsupportedMediaType },
            ErrorKind::UnsupportedContentEncoding,
            ErrorKind::RequestTimeout,
        ]);
        if FORM {
            signature.may_refuse(&[ErrorKind::UnsupportedGrantType]);
        }
        let invalid = example_of_invalid::<T>(components, Place::Body, &Value::from(0));
        signature.errors.push(("invalid_body", invalid));
        signature.errors.push(("not_json", (Place::Body, Problem::MalformedJson).into()));
    }
}

/// The fields of a form that was sent from a page.
pub(crate) async fn read_form(
    request: &HttpRequest,
    payload: Payload,
) -> Result<Map<String, Value>, ApiError> {
    let MediaType::Form = MediaType::of(request, true)? else {
        return Err(ErrorKind::UnsupportedMediaType.into());
    };
    if !is_plain(request) {
        return Err(ErrorKind::UnsupportedContentEncoding.into());
    }
    let bytes = read(request, payload, USUAL).await?;
    Ok(parse_form(&bytes).map_err(|problem| (Place::Body, problem))?)
}

/// The rules of the request's dialect.
pub(crate) fn rules(request: &HttpRequest) -> Result<Rules, ApiError> {
    let api = request.app_data::<Data<Api>>().ok_or(ErrorKind::Internal)?;
    Ok((ReplyContext::of(request)?.dialect.rules)(&api.settings))
}

/// Validates all fields and reports all that are not valid.
pub(crate) fn validate<T: Request>(
    object: Map<String, Value>,
    rules: &Rules,
    place: Place,
) -> Result<T, ApiError> {
    let read: T = serde_json::from_value(Value::Object(object))
        .map_err(|_detail| (place, Problem::MalformedJson))?;
    let located = |(field, problem): (&'static str, _)| FieldError {
        place,
        field: Some(field.into()),
        problem,
    };
    match read.validate_with(rules) {
        Ok(()) => Ok(read),
        // Not garde's report, which is sorted by name: clients show the first problem, which is to be
        // that of the first field.
        Err(_report) => Err(ApiError::invalid(read.problems().into_iter().map(located).collect())),
    }
}

/// What is answered if a required field is missing; without a required field, if the first field is
/// sent as this value.
pub(crate) fn example_of_invalid<T: Request + Schema>(
    components: &mut Components<'_>,
    place: Place,
    value: &Value,
) -> ApiError {
    let schema = T::inline(components);
    let invalid = |object| {
        validate::<T>(object, &components.rules, place)
            .map_or_else(|error| error.fields, |_| vec![])
    };
    let mut fields = invalid(Map::new());
    if fields.is_empty() {
        let names = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        fields = invalid(names.take(1).map(|(name, _)| (name.clone(), value.clone())).collect());
    }
    fields.truncate(1);
    ApiError::invalid(fields)
}

#[derive(Clone, Copy)]
enum MediaType {
    Json,
    Form,
}

impl MediaType {
    fn of(request: &HttpRequest, accepts_form: bool) -> Result<Self, ApiError> {
        let other = if accepts_form {
            ErrorKind::NeitherJsonNorForm
        } else {
            ErrorKind::UnsupportedMediaType
        };
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
            _ if !utf8 => Err(other.into()),
            "application/json" => Ok(Self::Json),
            json if json.starts_with("application/") && json.ends_with("+json") => Ok(Self::Json),
            "application/x-www-form-urlencoded" if accepts_form => Ok(Self::Form),
            _ => Err(other.into()),
        }
    }
}

/// Whether the body is as it is, without a compression.
pub(super) fn is_plain(request: &HttpRequest) -> bool {
    request.headers().get_all(CONTENT_ENCODING).all(|coding| {
        let coding = coding.as_bytes().trim_ascii();
        coding.is_empty() || coding.eq_ignore_ascii_case(b"identity")
    })
}

/// Reads the body whole, within its bounds of size and time.
pub(super) async fn read(
    request: &HttpRequest,
    payload: Payload,
    bounds: Bounds,
) -> Result<Bytes, ApiError> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced = announced.and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > bounds.max as u64) {
        return Err(bounds.too_large.into());
    }
    pause_during(collect(payload, bounds)).await
}

async fn collect(mut payload: Payload, bounds: Bounds) -> Result<Bytes, ApiError> {
    let (mut body, started) = (BytesMut::new(), Instant::now());
    loop {
        // What is long may take longer, as long as it comes.
        let more =
            Duration::from_secs(body.len().saturating_sub(MAX_BODY).div_ceil(SLOWEST) as u64);
        let next = tokio::time::timeout_at(started + READ_TIMEOUT + more, payload.next()).await;
        let Some(chunk) = next.map_err(|_elapsed| ErrorKind::RequestTimeout)? else { break };
        let chunk = chunk.map_err(|error| {
            tracing::debug!(%error, "a body broke off");
            ErrorKind::BadRequest
        })?;
        if body.len() + chunk.len() > bounds.max {
            return Err(bounds.too_large.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn parse_form(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    object_of(pairs(bytes)?)
}

/// Parses what is URL-encoded: a form, a query.
pub(crate) fn pairs(bytes: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    serde_urlencoded::from_bytes(bytes).map_err(|_detail| Problem::MalformedJson)
}

/// The object with these fields. One that is given twice is refused.
pub(crate) fn object_of(
    pairs: impl IntoIterator<Item = (String, String)>,
) -> Result<Map<String, Value>, Problem> {
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
    use proptest::prelude::*;

    use super::*;

    /// What `collect` makes of a body that comes in these chunks.
    fn collected(chunks: Vec<Vec<u8>>) -> Result<Bytes, ApiError> {
        let chunks = chunks.into_iter().map(|chunk| Ok::<_, PayloadError>(Bytes::from(chunk)));
        // There is a clock in a runtime only.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let stream = Box::pin(futures_util::stream::iter(chunks));
        runtime.block_on(collect(Payload::Stream { payload: stream }, USUAL))
    }

    /// A body that comes in chunks of this size, with this time before each.
    fn dripping(size: usize, every: Duration) -> Payload {
        let chunk = move |()| async move {
            tokio::time::sleep(every).await;
            Some((Ok::<_, PayloadError>(Bytes::from(vec![b' '; size])), ()))
        };
        Payload::Stream { payload: Box::pin(futures_util::stream::unfold((), chunk)) }
    }

    #[actix_web::test]
    async fn u1_a_long_body_may_take_long_if_it_comes_fast_enough() {
        tokio::time::pause();
        let bounds = Bounds { max: 32 * 1024 * 1024, too_large: ErrorKind::UploadTooLarge };
        let second = Duration::from_secs(1);
        for (size, kind, least, most) in [
            (70 * 1024, ErrorKind::UploadTooLarge, 400, 500),
            (60 * 1024, ErrorKind::RequestTimeout, 60, 160),
            (1, ErrorKind::RequestTimeout, 8, 9),
        ] {
            let started = Instant::now();
            let error = collect(dripping(size, second), bounds).await.unwrap_err();
            let took = started.elapsed().as_secs();
            assert_eq!(error.kind, kind, "{size}");
            assert!((least..=most).contains(&took), "{size}: {took}");
        }
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
                Err(error) => {
                    prop_assert!(total > MAX_BODY && error.kind == ErrorKind::TooLarge);
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
