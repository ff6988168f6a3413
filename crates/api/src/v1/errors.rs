//! Errors in the v1 dialect.

use actix_web::HttpResponse;
use menjin_web::schema::{Components, Schema};
use menjin_web::{ApiError, ErrorKind};
use serde::Serialize;
use serde_json::{Value, json};

use crate::dialect::ReplyContext;
use crate::http::reply::{Problems, begin_error};

/// Any error but 422.
#[derive(Serialize)]
struct ErrorResponse<'a> {
    detail: &'static str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl Schema for ErrorResponse<'_> {
    const NAME: &'static str = "Error";

    fn inline(_: &mut Components<'_>) -> Value {
        // The head of a request is refused before it is known for which operation it was, and what is
        // not valid is listed field by field.
        let unseen = [ErrorKind::HeadTooLarge, ErrorKind::Invalid];
        let kinds = ErrorKind::ALL.iter().filter(|kind| !unseen.contains(kind));
        let mut codes: Vec<_> = kinds.map(|kind| kind.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        json!({
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
            },
            "additionalProperties": false,
        })
    }
}

/// The schema of an error with this status.
pub(super) fn schema(status: u16, components: &mut Components<'_>) -> Value {
    if status == 422 { Problems::schema(components) } else { ErrorResponse::schema(components) }
}

/// The answer to a request that was not done.
pub(super) fn render(error: &ApiError, context: &ReplyContext) -> HttpResponse {
    let mut response = begin_error(error);
    if error.kind == ErrorKind::Invalid {
        return response.json(Problems::new(&error.fields, |field| {
            (field.problem.text(context.locale), field.problem.kind())
        }));
    }
    response.json(ErrorResponse {
        detail: error.kind.text().in_locale(context.locale),
        code: error.kind.code(),
        request_id: (error.kind.status() >= 500).then_some(context.request_id.as_str()),
    })
}
