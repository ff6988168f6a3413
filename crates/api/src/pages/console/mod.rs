//! The console, under `/console`: what administrators do all day. Each page asks for the right that its
//! operation has in the API, and what is critical for the password again.

mod audit;
mod bulk;
pub(super) mod confirm;
mod edit;
mod import;
mod invitations;
mod mails;
mod names;
mod new_user;
mod overview;
mod settings;
mod user;
mod user_sessions;
mod users;
mod words;

use std::future::Future;

use menjin_domain::accounts::Role;

use super::form::Typed;
use super::page::{Page, see_other};
use super::parts::Field;
use crate::http::reply::Rejection;
use crate::prelude::*;

/// The pages.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![
        Endpoint::hidden(Method::GET, "/console", front),
        Endpoint::hidden(Method::GET, "/console/page.css", super::style),
        Endpoint::hidden(Method::GET, "/console/page.js", super::script),
        Endpoint::hidden(Method::GET, "/console/logo", super::logo),
    ];
    endpoints.extend(overview::endpoints());
    endpoints.extend(settings::endpoints());
    endpoints.extend(users::endpoints());
    endpoints.extend(user::endpoints());
    endpoints.extend(user_sessions::endpoints());
    endpoints.extend(edit::endpoints());
    endpoints.extend(new_user::endpoints());
    endpoints.extend(bulk::endpoints());
    endpoints.extend(import::endpoints());
    endpoints.extend(invitations::endpoints());
    endpoints.extend(mails::endpoints());
    endpoints.extend(audit::endpoints());
    endpoints.extend(confirm::endpoints());
    endpoints
}

async fn front() -> HttpResponse {
    see_other("console/overview")
}

/// A field with all roles.
fn role_field(api: &Api, name: &'static str, label: Text, value: &str) -> Field {
    Field::names(name, label, value, api.settings.roles.all().map(|role| role.to_string()))
}

/// The same for a form that makes users: what was typed, or the role of registrations.
fn new_role_field(api: &Api, label: Text, typed: &Typed) -> Field {
    let default = Role::from(api.settings.default_role);
    role_field(api, "role", label, &typed.get_or("role", default.as_str()))
}

/// The id in a text.
fn id_in<T: TryFrom<i64>>(text: &str) -> Option<T> {
    text.parse::<i64>().ok().and_then(|id| T::try_from(id).ok())
}

/// The answer to what was not done on a page, which tells it. Whoever lacks the right, or has to give the
/// password again, is answered by the dialect.
async fn undone(
    error: Rejection,
    page: impl Future<Output = Answer<Page>>,
) -> Answer<HttpResponse> {
    match error.0.kind {
        ErrorKind::ReauthenticationRequired | ErrorKind::Forbidden => Err(error),
        _ => page.await?.refuse(error.0),
    }
}
