//! Responses that several endpoints of this dialect share.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, Responder};
use menjin_domain::accounts;
use menjin_web::schema::{Components, Schema, Time, response};
use menjin_web::values::ShownRole;
use menjin_web::{Text, response};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::dialect::ReplyContext;
use crate::endpoint::Output;
use crate::http::reply::{Rejection, json_response};

/// Every answer.
#[derive(Serialize)]
pub(super) struct Envelope<T> {
    /// The HTTP status.
    pub(super) code: u16,
    pub(super) message: &'static str,
    pub(super) data: T,
}

/// An answer of success, with its message in the language of the request.
pub(crate) struct Success<T>(pub(super) Text, pub(super) T);

impl<T: Serialize> Responder for Success<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let Self(message, data) = self;
        match ReplyContext::of(request) {
            Ok(context) => {
                let (status, message) = (StatusCode::OK, message.in_locale(context.locale));
                json_response(status, &Envelope { code: status.as_u16(), message, data })
            }
            Err(error) => HttpResponse::from_error(Rejection(error)),
        }
    }
}

/// The schema is named after what is in it.
impl<T: Schema> Output for Success<T> {
    fn describe(components: &mut Components<'_>) -> Option<(u16, Value)> {
        let schema = components.refer(&format!("{}Envelope", T::NAME), |components| {
            let code = json!({
                "type": "integer", "format": "int32", "enum": [200], "example": 200,
                "description": "The HTTP status.",
            });
            let message = json!({
                "type": "string", "example": "操作成功",
                "description": "For people, in the language asked for.",
            });
            let properties =
                [("code", code), ("message", message), ("data", T::inline(components))];
            let properties = properties.map(|(name, schema)| (name.to_owned(), schema));
            response(&Map::from_iter(properties))
        });
        Some((200, schema))
    }
}

response! {
    /// A user. Times are RFC 3339 in UTC.
    pub(super) struct User as "EnvelopeUser" {
        id: i64 => { "minimum": 1, "example": 1 },
        username: String => { "example": "student001" },
        role: ShownRole,
        /// The user name of somebody without a name.
        name: String => { "example": "张三" },
        email: String => { "format": "email", "example": "zhangsan@example.com" },
        is_active: bool => { "example": true },
        created_at: Time,
        updated_at: Option<Time>,
    }
}

/// What is shown as the `name` of a user.
pub(super) fn shown_name(user: &accounts::User) -> &str {
    let full_name = user.profile.full_name.as_ref();
    full_name.map_or(user.username.as_str(), |name| name.as_str())
}

impl From<&accounts::User> for User {
    fn from(user: &accounts::User) -> Self {
        Self {
            id: user.id.get(),
            username: user.username.as_str().to_owned(),
            role: ShownRole(user.role),
            name: shown_name(user).to_owned(),
            email: user.email.as_str().to_owned(),
            is_active: user.is_active,
            created_at: Time(user.created_at),
            updated_at: user.updated_at.map(Time),
        }
    }
}

response! {
    /// `data` where it is one user.
    pub(super) struct UserData as "User" {
        user: User,
    }
}

impl From<&accounts::User> for UserData {
    fn from(user: &accounts::User) -> Self {
        Self { user: user.into() }
    }
}

/// `data: null`.
#[derive(Serialize)]
pub(super) struct Nothing;

impl Schema for Nothing {
    const NAME: &'static str = "Empty";

    /// Nothing but null. OpenAPI 3.0 has no type for that.
    fn inline(_: &mut Components<'_>) -> Value {
        json!({ "type": "object", "nullable": true, "enum": [null], "example": null })
    }
}
