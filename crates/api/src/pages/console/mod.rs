//! The console, under `/console`: what administrators do all day. Each page asks for the right that its
//! operation has in the API, and what is critical for the password again.

mod audit;
mod confirm;
mod user;
mod users;

use super::page::see_other;
use crate::prelude::*;

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
