//! Errors in the v1 dialect.

use actix_web::HttpResponse;
use menjin_web::schema::{Components, Schema, with_field};
use menjin_web::{ApiError, ErrorKind, Locale};
use serde::Serialize;
use serde_json::{Value, json};

use crate::dialect::ReplyContext;
use crate::http::reply::{Problems, TicketResponse, begin_error};

/// Any error but 422.
#[derive(Serialize)]
struct ErrorResponse<'a> {
    detail: &'static str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(flatten)]
    ticket: Option<TicketResponse>,
    #[serde(flatten)]
    oauth: Option<OAuthError>,
}

/// What clients of OAuth2 read (RFC 6749 §5.2), beside what everybody reads.
#[derive(Serialize)]
struct OAuthError {
    error: &'static str,
    error_description: String,
}

impl OAuthError {
    fn schema_of_code() -> Value {
        json!({
            "type": "string", "example": "invalid_grant",
            "description": "For clients of OAuth2 (RFC 6749 §5.2): to HTML forms only.",
        })
    }

    fn schema_of_description() -> Value {
        json!({
            "type": "string", "example": "Incorrect username or password",
            "description": "The same in words: to HTML forms only.",
        })
    }

    /// Of a form; the description is in English, since RFC 6749 allows ASCII only.
    fn of(error: &ApiError, context: &ReplyContext) -> Option<Self> {
        let code = match error.kind {
            ErrorKind::InvalidCredentials | ErrorKind::InvalidCode => "invalid_grant",
            // No name of the RFC: what clients of other servers know.
            ErrorKind::MfaRequired => "mfa_required",
            ErrorKind::UnsupportedGrantType => "unsupported_grant_type",
            // Of RFC 6749 §4.1.2.1: the token endpoint has no names of its own for them.
            kind if kind.status() == 429 || kind.status() == 503 => "temporarily_unavailable",
            kind if kind.status() >= 500 => "server_error",
            _ => "invalid_request",
        };
        let problem = error.fields.first().map(|field| {
            let name = field.field.as_deref().unwrap_or("form");
            format!("{name}: {}", field.problem.text(Locale::En))
        });
        let description =
            problem.unwrap_or_else(|| error.kind.text().in_locale(Locale::En).to_owned());
        let is_allowed = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        let error_description = description.chars().filter(is_allowed).collect();
        context.is_form.then_some(Self { error: code, error_description })
    }
}

/// What is not valid, to a form.
#[derive(Serialize)]
struct ProblemsOfForm {
    #[serde(flatten)]
    problems: Problems,
    #[serde(flatten)]
    oauth: Option<OAuthError>,
}

impl Schema for ErrorResponse<'_> {
    const NAME: &'static str = "Error";

    fn inline(_: &mut Components<'_>) -> Value {
        // The head of a request is refused before it is known for which operation it was, what is not valid
        // is listed field by field, and forms are of pages.
        let unseen = [ErrorKind::HeadTooLarge, ErrorKind::Invalid, ErrorKind::ForeignForm];
        let kinds = ErrorKind::ALL.iter().filter(|kind| !unseen.contains(kind));
        let mut codes: Vec<_> = kinds.map(|kind| kind.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        let schema = json!({
            "type": "object",
            "description": "Why a request was not done.",
            "required": ["detail", "code"],
            "properties": {
                "detail": {
                    "type": "string", "example": "用户不存在",
                    "description": "For people, in the language asked for.",
                },
                "code": {
                    "type": "string", "enum": codes, "example": "user_not_found",
                    "description": "For programs.",
                },
                "request_id": {
                    "type": "string",
                    "description": "For the operator, who finds the cause in the log with it. \
                                    With 5xx only.",
                },
                "error": OAuthError::schema_of_code(),
                "error_description": OAuthError::schema_of_description(),
            },
            "additionalProperties": false,
        });
        let ticket = TicketResponse::properties().into_iter();
        ticket.fold(schema, |schema, (name, property)| with_field(schema, name, property))
    }
}

/// The schema of an error with this status.
pub(super) fn schema(status: u16, components: &mut Components<'_>) -> Value {
    if status != 422 {
        return ErrorResponse::schema(components);
    }
    components.refer(Problems::NAME, |components| {
        let schema = Problems::inline(components);
        let schema = with_field(schema, "error", OAuthError::schema_of_code());
        with_field(schema, "error_description", OAuthError::schema_of_description())
    })
}

/// The answer to a request that was not done.
pub(super) fn render(error: &ApiError, context: &ReplyContext) -> HttpResponse {
    let mut response = begin_error(error);
    let oauth = OAuthError::of(error, context);
    if error.kind == ErrorKind::Invalid {
        let problems = Problems::new(&error.fields, |field| {
            (field.problem.text(context.locale), field.problem.kind())
        });
        return response.json(ProblemsOfForm { problems, oauth });
    }
    response.json(ErrorResponse {
        detail: error.kind.text().in_locale(context.locale),
        code: error.kind.code(),
        request_id: (error.kind.status() >= 500).then_some(context.request_id.as_str()),
        ticket: TicketResponse::of(error),
        oauth,
    })
}
