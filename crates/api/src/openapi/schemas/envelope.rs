//! The envelope dialect's requests and answers.

use menjin_domain::accounts::{ListUsers, Role, UsernameLength};
use menjin_domain::credentials::NewPassword;
use serde_json::{Value, json};

use super::requests::{candidate, email, login_name, new_password, username};
use super::{Schema, TOKEN, closed, maybe, time, with};
use crate::envelope::{DEFAULT_LIMIT, NAME_LENGTH, PASSWORD_MAX, USERNAME_LENGTH};
use crate::openapi::schema_ref;
use crate::state::ApiSettings;

pub(super) fn requests(settings: &ApiSettings) -> Vec<Schema> {
    let UsernameLength { min, max } = USERNAME_LENGTH;
    let password =
        new_password(settings.envelope_password_min, PASSWORD_MAX.min(NewPassword::MAX_BYTES));
    let bytes = format!("At most {} bytes in UTF-8, without NUL.", NewPassword::MAX_BYTES);
    let registrable = [Role::Student, Role::Teacher].map(Role::as_str);
    let (least, most) = NAME_LENGTH;
    let name = || json!({ "minLength": least, "maxLength": most, "example": "张三" });
    vec![
        Schema::request(
            "EnvelopeRegister",
            &["username", "password", "role", "name", "email"],
            json!({
                "username": username(min, max),
                "password": with(password.clone(), "description", &bytes),
                "role": { "enum": registrable, "example": "student" },
                "name": name(),
                "email": email(),
            }),
        ),
        Schema::request(
            "EnvelopeLogin",
            &["username", "password"],
            json!({ "username": login_name(), "password": candidate() }),
        ),
        Schema::request(
            "EnvelopeUpdate",
            &[],
            json!({
                "name": with(maybe(name()), "description", "`null` clears it."), "email": email(),
            }),
        ),
        Schema::request(
            "EnvelopeChangePassword",
            &["old_password", "new_password"],
            json!({
                "old_password": candidate(),
                "new_password": with(password, "example", "newpassword456"),
            }),
        ),
    ]
}

pub(super) fn answers() -> Vec<Schema> {
    let user = || schema_ref("EnvelopeUser");
    let envelope = |name, data| {
        let message = json!({
            "example": "操作成功", "description": "For people, in the language asked for.",
        });
        let code = json!({ "enum": [200], "example": 200, "description": "The HTTP status." });
        Schema::answer(name, json!({ "code": code, "message": message, "data": data }))
    };
    let total = json!({
        "type": "integer", "format": "int64", "minimum": 0, "example": 1,
        "description": "How many match, on all pages.",
    });
    let users = json!({ "type": "array", "items": user() });
    vec![
        envelope("UserEnvelope", closed(&json!({ "user": user() }))),
        envelope("LoginEnvelope", closed(&json!({ "token": token(), "user": user() }))),
        envelope(
            "LogoutEnvelope",
            closed(&json!({ "user_id": id(), "username": text("student001") })),
        ),
        envelope("UsersEnvelope", closed(&json!({ "users": users, "total": total }))),
        envelope("EmptyEnvelope", null()),
    ]
}

/// Schemas within those, and those of failures.
pub(super) fn uncollected() -> Vec<(&'static str, Value)> {
    let roles = [Role::Student, Role::Teacher, Role::Admin].map(Role::as_str);
    let envelope = |description: &str, code: Value, data: Value| {
        let code = with(code, "description", "The HTTP status.");
        let message = json!({
            "type": "string", "example": "权限不足",
            "description": "For people, in the language asked for.",
        });
        let schema = closed(&json!({ "code": code, "message": message, "data": data }));
        with(schema, "description", description)
    };
    let fault = json!({
        "type": "object", "nullable": true, "required": ["request_id"],
        "properties": { "request_id": { "type": "string" } }, "additionalProperties": false,
        "description": "With 5xx what to quote to the operator, who finds the cause in the log \
                        with it; else null.",
    });
    let problems = json!({ "type": "array", "minItems": 1, "items": schema_ref("Problem") });
    vec![
        (
            "EnvelopeUser",
            with(
                closed(&json!({
                    "id": id(),
                    "username": text("student001"),
                    "role": { "type": "string", "enum": roles, "example": "student" },
                    "name": with(
                        text("张三"), "description", "The user name of somebody without a name.",
                    ),
                    "email": { "type": "string", "format": "email", "example": "zhangsan@example.com" },
                    "is_active": { "type": "boolean", "example": true },
                    "created_at": with(time(), "type", "string"),
                    "updated_at": with(maybe(time()), "type", "string"),
                })),
                "description",
                "A user. Times are RFC 3339 in UTC.",
            ),
        ),
        (
            "ErrorEnvelope",
            envelope(
                "Why a request was not done.",
                json!({ "type": "integer", "minimum": 400, "maximum": 599, "example": 403 }),
                fault,
            ),
        ),
        (
            "ValidationErrorEnvelope",
            envelope(
                "Every part of a request that is not valid.",
                json!({ "type": "integer", "enum": [422], "example": 422 }),
                closed(&json!({ "detail": problems })),
            ),
        ),
    ]
}

/// The parameters in queries.
pub(super) fn query_parameter(name: &str) -> Option<(&'static str, Value)> {
    let roles = [Role::Student, Role::Teacher, Role::Admin].map(Role::as_str);
    Some(match name {
        "skip" => (
            "How many to leave out. Not together with `after_id`.",
            json!({
                "type": "integer", "format": "int64", "minimum": 0, "maximum": i64::MAX, "default": 0,
            }),
        ),
        "after_id" => (
            "Only those with a higher id: that of the last user of the page before.",
            json!({ "type": "integer", "format": "int64", "minimum": 1, "maximum": i64::MAX }),
        ),
        "limit" => (
            "How many to show at most.",
            json!({
                "type": "integer", "format": "int32", "minimum": 1,
                "maximum": ListUsers::MAX_LIMIT, "default": DEFAULT_LIMIT,
            }),
        ),
        "role" => ("Only those of this role.", json!({ "type": "string", "enum": roles })),
        _ => return None,
    })
}

fn id() -> Value {
    json!({ "type": "integer", "format": "int64", "minimum": 1, "example": 1 })
}

fn text(example: &str) -> Value {
    json!({ "type": "string", "example": example })
}

fn token() -> Value {
    with(text(TOKEN), "description", "The access token.")
}

/// Nothing but null. OpenAPI 3.0 has no type for that.
fn null() -> Value {
    json!({ "type": "object", "nullable": true, "enum": [null], "example": null })
}
