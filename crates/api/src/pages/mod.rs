//! The pages that the links in mails lead to. They work without JavaScript: a script only takes the
//! token out of the fragment of the address, which no server sees; without it people paste it.
//!
//! `GET` never uses a token up: programs that check mails open every link. A button does.

mod accept_invitation;
mod render;
mod reset_password;
mod undo_email_change;
mod verify_email;

use std::sync::LazyLock;

use actix_web::HttpRequest;
use actix_web::web::Bytes;

use crate::http::content::Content;
use crate::prelude::*;

/// The pages and what they load.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![
        Endpoint::hidden(Method::GET, "/account/page.css", style),
        Endpoint::hidden(Method::GET, "/account/page.js", script),
    ];
    endpoints.extend(reset_password::endpoints());
    endpoints.extend(verify_email::endpoints());
    endpoints.extend(undo_email_change::endpoints());
    endpoints.extend(accept_invitation::endpoints());
    endpoints
}

static STYLE: LazyLock<Content> = LazyLock::new(|| {
    let file = include_bytes!("page.css");
    Content::new("text/css; charset=utf-8", Bytes::from_static(file), None)
});

static SCRIPT: LazyLock<Content> = LazyLock::new(|| {
    let file = include_bytes!("page.js");
    Content::new("text/javascript; charset=utf-8", Bytes::from_static(file), None)
});

async fn style(request: HttpRequest) -> HttpResponse {
    STYLE.serve(&request, "no-cache")
}

async fn script(request: HttpRequest) -> HttpResponse {
    SCRIPT.serve(&request, "no-cache")
}
