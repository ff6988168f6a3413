//! What the envelope dialect answers with.

use actix_web::http::StatusCode;
use actix_web::web::Json;
use menjin_domain::access::Principal;
use menjin_domain::accounts::{User, UserPage};
use menjin_domain::common::rfc3339;
use paperclip::actix::Apiv2Schema;
use serde::Serialize;

use crate::http::locale::Locale;
use crate::messages::Message;

/// Every answer.
#[derive(Serialize)]
pub(crate) struct Envelope<T> {
    /// The HTTP status.
    pub(super) code: u16,
    pub(super) message: &'static str,
    pub(super) data: T,
}

/// An answer of success.
pub(super) fn success<T>(message: Message, locale: Locale, data: T) -> Json<Envelope<T>> {
    Json(Envelope { code: StatusCode::OK.as_u16(), message: message.text(locale), data })
}

/// `user`.
#[derive(Serialize, Apiv2Schema)]
pub(super) struct UserView {
    id: i64,
    username: String,
    role: &'static str,
    /// The user name of somebody without a name.
    name: String,
    email: String,
    is_active: bool,
    created_at: String,
    updated_at: Option<String>,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        let full_name = user.profile.full_name.as_ref();
        Self {
            id: user.id.get(),
            username: user.username.as_str().to_owned(),
            role: user.role.as_str(),
            name: full_name.map_or(user.username.as_str(), |name| name.as_str()).to_owned(),
            email: user.email.as_str().to_owned(),
            is_active: user.is_active,
            created_at: rfc3339(user.created_at),
            updated_at: user.updated_at.map(rfc3339),
        }
    }
}

/// `data` where it is one user.
#[derive(Serialize, Apiv2Schema)]
#[openapi(rename = "User")]
pub(super) struct UserData {
    user: UserView,
}

impl From<&User> for UserData {
    fn from(user: &User) -> Self {
        Self { user: user.into() }
    }
}

/// `data` of a log-in.
#[derive(Serialize, Apiv2Schema)]
#[openapi(rename = "Login")]
pub(super) struct LoginData {
    /// The access token.
    pub(super) token: String,
    pub(super) user: UserView,
}

/// `data` of a log-out.
#[derive(Serialize, Apiv2Schema)]
#[openapi(rename = "Logout")]
pub(super) struct LogoutData {
    user_id: i64,
    username: String,
}

impl From<&Principal> for LogoutData {
    fn from(caller: &Principal) -> Self {
        let user = &caller.user;
        Self { user_id: user.id.get(), username: user.username.as_str().to_owned() }
    }
}

/// `data` of the list of users.
#[derive(Serialize, Apiv2Schema)]
#[openapi(rename = "Users")]
pub(super) struct UsersData {
    users: Vec<UserView>,
    /// How many match, on all pages.
    total: u64,
}

impl From<&UserPage> for UsersData {
    fn from(page: &UserPage) -> Self {
        Self { users: page.users.iter().map(UserView::from).collect(), total: page.total }
    }
}

/// `data: null`.
#[derive(Serialize, Apiv2Schema)]
#[openapi(empty)]
pub(super) struct Nothing;
