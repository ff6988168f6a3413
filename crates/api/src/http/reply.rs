//! What handlers return.

use std::borrow::Cow;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Responder, ResponseError};
use menjin_domain::mfa::FactorMethod;
use menjin_web::problem::FieldError;
use menjin_web::schema::{Components, Schema};
use menjin_web::{ApiError, ErrorKind, response};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::{Value, json};

/// What a handler returns: a reply, or why there is none.
pub(crate) type Answer<T> = Result<T, Rejection>;

/// An error on its way to the middleware, which renders it in the request's dialect and language.
#[derive(Debug)]
pub(crate) struct Rejection(pub(crate) ApiError);

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Rejection {}

impl<E: Into<ApiError>> From<E> for Rejection {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A reply with a body in JSON.
pub(crate) struct Reply<T, const STATUS: u16 = 200>(pub(crate) T);

impl<T: Serialize, const STATUS: u16> Responder for Reply<T, STATUS> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        json_response(StatusCode::from_u16(STATUS).unwrap_or_default(), &self.0)
    }
}

/// An answer in JSON. actix's `HttpResponseBuilder::json` makes the same one; on the way of every
/// request it takes a thousand instructions more.
pub(crate) fn json_response(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    match serde_json::to_vec(body) {
        Ok(body) => {
            let mut response = HttpResponse::with_body(status, BoxBody::new(body));
            response.headers_mut().insert(CONTENT_TYPE, JSON);
            response
        }
        Err(error) => HttpResponse::from_error(error),
    }
}

/// Begins the answer to an error: its status and the headers that belong to it (RFC 6750 §3, RFC 9110
/// §10.2). The dialect adds the body.
pub(crate) fn begin_error(error: &ApiError) -> HttpResponseBuilder {
    let status = StatusCode::from_u16(error.kind.status());
    let mut response = HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    if !error.allow.is_empty() {
        response.insert_header((ALLOW, error.allow.as_str()));
    }
    if let Some(challenge) = error.kind.challenge() {
        response.insert_header((WWW_AUTHENTICATE, challenge));
    }
    if let Some(seconds) = error.retry_after() {
        response.insert_header((RETRY_AFTER, seconds));
    }
    // What is taken instead (RFC 9110 §15.5.16).
    let taken = match error.kind {
        ErrorKind::UnsupportedMediaType => Some((ACCEPT, "application/json")),
        ErrorKind::NeitherJsonNorForm => {
            Some((ACCEPT, "application/json, application/x-www-form-urlencoded"))
        }
        ErrorKind::UnsupportedTable => Some((
            ACCEPT,
            "text/csv, application/x-ndjson, application/vnd.openxmlformats-officedocument.spreadsheetml.sheet, multipart/form-data",
        )),
        ErrorKind::UnsupportedContentEncoding => Some((ACCEPT_ENCODING, "identity")),
        _ => None,
    };
    if let Some(taken) = taken {
        response.insert_header(taken);
    }
    if error.kind.closes_connection() {
        response.force_close();
    }
    response
}

/// With what a client goes on that was refused.
#[derive(Serialize)]
pub(crate) struct TicketResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa_token: Option<String>,
    /// What a code may be of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    methods: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions_token: Option<String>,
    expires_in: u64,
}

impl TicketResponse {
    pub(crate) fn of(error: &ApiError) -> Option<Self> {
        let ticket = error.ticket.as_ref()?;
        let token = ticket.token.expose_secret();
        let is_for = |kind| (error.kind == kind).then(|| token.to_owned());
        Some(Self {
            mfa_token: is_for(ErrorKind::MfaRequired),
            methods: ticket.methods.iter().map(|method| method.as_str()).collect(),
            sessions_token: is_for(ErrorKind::TooManySessions),
            expires_in: ticket.expires_in.as_secs(),
        })
    }

    /// The schemas of its members.
    pub(crate) fn properties() -> [(&'static str, Value); 4] {
        let token = |text: &str| json!({ "type": "string", "description": text });
        let seconds = json!({
            "type": "integer", "minimum": 1, "example": 300,
            "description": "For how many seconds the token beside it is good.",
        });
        let methods = json!({
            "type": "array",
            "items": { "type": "string", "enum": FactorMethod::ALL.map(FactorMethod::as_str) },
            "description": "With `mfa_required` only: of what a code may be.",
        });
        [
            (
                "mfa_token",
                token(
                    "With `mfa_required` only: with a code it logs in, and it does nothing else.",
                ),
            ),
            ("methods", methods),
            (
                "sessions_token",
                token(
                    "With `too_many_sessions` only: as a bearer token it lists and ends one's own \
                     sessions, and nothing else.",
                ),
            ),
            ("expires_in", seconds),
        ]
    }
}

response! {
    /// Every part of a request that is not valid.
    pub(crate) struct Problems as "ValidationError" {
        detail: Vec<ProblemResponse> => { "minItems": 1 },
    }
}

/// What is wrong with one part of a request, as FastAPI lists it.
#[derive(Serialize)]
pub(crate) struct ProblemResponse {
    loc: Vec<Cow<'static, str>>,
    msg: String,
    r#type: &'static str,
}

impl Schema for ProblemResponse {
    const NAME: &'static str = "Problem";

    fn inline(_: &mut Components<'_>) -> Value {
        json!({
            "type": "object",
            "description": "What is wrong with one part of a request.",
            "required": ["loc", "msg", "type"],
            "properties": {
                "loc": {
                    "type": "array", "minItems": 1, "items": { "type": "string" },
                    "example": ["body", "username"],
                    "description": "`body`, `path` or `query`, and the field.",
                },
                "msg": {
                    "type": "string", "example": "缺少必填字段",
                    "description": "For people, in the language asked for.",
                },
                "type": {
                    "type": "string", "example": "missing",
                    "description": "For programs, in pydantic's words.",
                },
            },
            "additionalProperties": false,
        })
    }
}

impl Problems {
    /// The list, with text and type of each problem as the dialect words them.
    pub(crate) fn new(
        fields: &[FieldError],
        describe: impl Fn(&FieldError) -> (String, &'static str),
    ) -> Self {
        let describe = |field: &FieldError| {
            let (msg, r#type) = describe(field);
            let loc =
                [field.place.as_str().into()].into_iter().chain(field.field.clone()).collect();
            ProblemResponse { loc, msg, r#type }
        };
        Self { detail: fields.iter().map(describe).collect() }
    }
}
