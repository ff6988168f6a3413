//! Errors in the envelope dialect.

use actix_web::HttpResponse;
use menjin_domain::common::Violation;
use menjin_web::problem::{FieldError, Problem};
use menjin_web::schema::{Components, Schema, described, response, with, with_field};
use menjin_web::{ApiError, ErrorKind, Locale, Text};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::responses::Envelope;
use crate::dialect::ReplyContext;
use crate::http::reply::{Problems, TicketResponse, begin_error};

/// `data` of a refusal: by what programs tell it from others.
#[derive(Serialize)]
struct RefusalData<'a> {
    /// The code of v1.
    reason: &'static str,
    /// Of a fault of the server's: what to quote when asking for help.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(flatten)]
    ticket: Option<TicketResponse>,
}

/// The refusals that the document of this dialect prints, with `data` null.
const PRINTED: [ErrorKind; 3] =
    [ErrorKind::InvalidCredentials, ErrorKind::Forbidden, ErrorKind::UserNotFound];

/// The answer to a request that was not done.
pub(super) fn render(error: &ApiError, context: &ReplyContext) -> HttpResponse {
    let code = error.kind.status();
    let message = error.kind.envelope_text().in_locale(context.locale);
    let mut response = begin_error(error);
    if error.kind == ErrorKind::Invalid {
        let data = Problems::new(&error.fields, |field| describe(field, context.locale));
        return response.json(Envelope { code, message, data });
    }
    let request_id = (code >= 500).then_some(context.request_id.as_str());
    let ticket = TicketResponse::of(error);
    let data = RefusalData { reason: error.kind.code(), request_id, ticket };
    let is_printed = PRINTED.contains(&error.kind);
    response.json(Envelope { code, message, data: (!is_printed).then_some(data) })
}

/// The type of a broken rule is always `value_error`, and the text names the field.
fn describe(field: &FieldError, locale: Locale) -> (String, &'static str) {
    let problem = field.problem;
    let kind = if problem.is_rule_on_a_value() { "value_error" } else { problem.kind() };
    (labelled_text(problem, field.field.as_deref(), locale), kind)
}

/// What is wrong with a value, in a sentence that names the field as people know it.
fn labelled_text(problem: Problem, field: Option<&str>, locale: Locale) -> String {
    let text = problem.text(locale);
    let Some(label) = field.and_then(label) else { return text };
    let label = label.in_locale(locale);
    match (locale, problem) {
        (Locale::ZhCn, Problem::Missing) => format!("{label}不能为空"),
        (Locale::ZhCn, Problem::Rule(Violation::NotAnEmail)) => format!("{label}格式不正确"),
        (Locale::ZhCn, Problem::Rule(Violation::RoleNotRegistrable)) => {
            format!("{label}应为 student 或 teacher")
        }
        (Locale::ZhCn, Problem::Rule(Violation::UnknownRole)) => {
            format!("{label}应为 student、teacher 或 admin")
        }
        (Locale::ZhCn, _) => format!("{label}{text}"),
        (Locale::En, _) => format!("{label}: {text}"),
    }
}

/// What the document of this dialect calls a field; `None` for those that it does not name.
fn label(field: &str) -> Option<Text> {
    let (zh, en) = match field {
        "username" => ("用户名", "Username"),
        "password" => ("密码", "Password"),
        "old_password" => ("原密码", "Old password"),
        "new_password" => ("新密码", "New password"),
        "role" => ("用户角色", "Role"),
        "name" => ("真实姓名", "Name"),
        "email" => ("邮箱", "Email"),
        "user_id" => ("用户ID", "User id"),
        "skip" => ("跳过的记录数", "Skip"),
        "after_id" => ("起始用户ID", "After id"),
        "limit" => ("返回的记录数", "Limit"),
        _ => return None,
    };
    Some(Text { zh, en })
}

/// The schema of an error with this status.
pub(super) fn schema(status: u16, components: &mut Components<'_>) -> Value {
    if status == 422 {
        return components.refer("ValidationErrorEnvelope", |components| {
            let mut problems = Problems::inline(components);
            problems.as_object_mut().and_then(|problems| problems.remove("description"));
            let code = json!({ "type": "integer", "enum": [422], "example": 422 });
            envelope("Every part of a request that is not valid.", code, problems)
        });
    }
    components.refer("ErrorEnvelope", |_| {
        let code = json!({ "type": "integer", "minimum": 400, "maximum": 599, "example": 403 });
        let fault = json!({
            "type": "object", "nullable": true, "required": ["reason"],
            "properties": {
                "reason": {
                    "type": "string", "example": "username_taken",
                    "description": "By what programs tell refusals apart.",
                },
                "request_id": {
                    "type": "string",
                    "description": "With 5xx: what to quote to the operator, who finds the cause in \
                                    the log with it.",
                },
            },
            "additionalProperties": false,
            "description": "Null where user name or password are wrong, where the caller may not do \
                            that, and where there is no such user.",
        });
        let ticket = TicketResponse::properties().into_iter();
        let fault = ticket.fold(fault, |fault, (name, property)| with_field(fault, name, property));
        envelope("Why a request was not done.", code, fault)
    })
}

fn envelope(description: &str, code: Value, data: Value) -> Value {
    let message = json!({
        "type": "string", "example": "权限不足",
        "description": "For people, in the language asked for.",
    });
    let code = with(code, json!({ "description": "The HTTP status." }));
    let properties = [("code", code), ("message", message), ("data", data)];
    let properties: Map<_, _> =
        properties.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    described(response(&properties), description)
}

#[cfg(test)]
mod tests {
    use menjin_web::problem::all_problems;

    use super::*;

    #[test]
    fn every_problem_is_in_every_language() {
        for problem in all_problems() {
            for field in [None, Some("username"), Some("nobody-knows")] {
                let text = |locale| labelled_text(problem, field, locale);
                assert!(Text::is_translated(&text(Locale::ZhCn), &text(Locale::En)), "{problem:?}");
            }
        }
    }
}
