//! The console, under `/console`: what administrators do all day. Each page asks for the right that its
//! operation has in the API, and what is critical for the password again.

mod audit;
mod confirm;
mod user;
mod users;

use crate::prelude::*;

use super::page::see_other;

/// The pages of the console, as they are listed on each of them.
pub(super) const NAVIGATION: [(&str, Text); 3] = [
    ("users", users::TITLE),
    ("audit", audit::TITLE),
    ("../account/profile", Text { zh: "我的账户", en: "My account" }),
];

/// The pages.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![
        Endpoint::hidden(Method::GET, "/console", front),
        Endpoint::hidden(Method::GET, "/console/page.css", super::style),
    ];
    endpoints.extend(users::endpoints());
    endpoints.extend(user::endpoints());
    endpoints.extend(audit::endpoints());
    endpoints.extend(confirm::endpoints());
    endpoints
}

async fn front() -> HttpResponse {
    see_other("console/users")
}
