//! Pages for people, under `/account` and `/console`: the third dialect. They work without JavaScript, but for
//! passkeys, which browsers give to scripts only. Otherwise a script takes the token of a link out of the fragment of
//! the address, which no server sees; without it people paste it.
//!
//! Each page is one file: what it shows, and what its form does. A page is made of the parts that `page.rs`
//! knows, which one template writes. Pages are here and not in a crate of their own, because they are
//! answered like the other dialects: by the same middleware, extractors and table of errors.
//!
//! Whoever is logged in holds a cookie (`visitor.rs`), which counts on pages only. `GET` changes nothing, and
//! never uses a token up: programs that check mails open every link. Forms are of the browser that they were
//! shown to (`form.rs`).

mod accept_invitation;
mod console;
mod delete;
mod email;
mod forgot_password;
mod form;
mod login;
mod logout;
mod navigation;
mod onward;
mod page;
mod parts;
mod passkey;
mod password;
mod profile;
mod register;
mod reset_password;
mod second_factor;
mod sessions;
mod try_out;
mod undo_email_change;
mod verify_email;
mod visitor;

use std::sync::{Arc, LazyLock};

use actix_web::HttpRequest;
use actix_web::web::Bytes;

use self::navigation::{CONSOLE, is_console, name_of};
use self::page::{Page, see_other};
pub use self::try_out::theme_in_folder;
use crate::dialect::{Dialect, ThisPage};
use crate::http::content::Content;
use crate::http::reply::begin_error;
use crate::prelude::*;
use crate::state::PageSettings;
use crate::v1;

/// How pages are answered: what cannot be done is said on a page, or leads to what has to be done first.
pub(crate) static DIALECT: Dialect = Dialect {
    render: refused,
    error_schema: |status, components| (v1::DIALECT.error_schema)(status, components),
    rules: |settings| (v1::DIALECT.rules)(settings),
    page: |uri, settings| {
        let name = if is_console(uri.path()) { CONSOLE } else { name_of(uri.path()) };
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let address = format!("{}{query}", name_of(uri.path())).into();
        let settings = Arc::clone(settings.pages.as_ref()?);
        Some(ThisPage { name: name.into(), address, settings })
    },
};

/// The pages and what they load.
pub(crate) fn endpoints(settings: &PageSettings) -> Vec<Endpoint> {
    let mut endpoints = vec![
        Endpoint::hidden(Method::GET, "/account/page.css", style),
        Endpoint::hidden(Method::GET, "/account/page.js", script),
        Endpoint::hidden(Method::GET, "/account/logo", logo),
    ];
    endpoints.extend(reset_password::endpoints());
    endpoints.extend(verify_email::endpoints());
    endpoints.extend(undo_email_change::endpoints());
    endpoints.extend(accept_invitation::endpoints());
    if settings.account {
        endpoints.push(Endpoint::hidden(Method::GET, "/account", front));
        endpoints.extend(login::endpoints());
        endpoints.extend(logout::endpoints());
        endpoints.extend(register::endpoints());
        endpoints.extend(forgot_password::endpoints());
        endpoints.extend(profile::endpoints());
        endpoints.extend(email::endpoints());
        endpoints.extend(password::endpoints());
        endpoints.extend(second_factor::endpoints());
        endpoints.extend(passkey::endpoints());
        endpoints.extend(sessions::endpoints());
        endpoints.extend(delete::endpoints());
    }
    if settings.console {
        endpoints.extend(console::endpoints());
    }
    endpoints
}

/// Relative, as all addresses on pages, so that it holds behind a path prefix that a proxy strips.
async fn front() -> HttpResponse {
    see_other("account/profile")
}

const SORRY: Text = Text { zh: "无法完成", en: "This cannot be done" };
const BACK: Text = Text { zh: "返回账户页面", en: "Back to the account" };

/// The answer to a request that was not done.
fn refused(error: &ApiError, context: &ReplyContext) -> HttpResponse {
    let this = context.page.clone().unwrap_or_default();
    let here = &*this.name;
    let folder = if here == CONSOLE { "../account/" } else { "" };
    match error.kind {
        ErrorKind::NotAuthenticated => {
            return see_other(&format!("{folder}{}", login::address(here)));
        }
        ErrorKind::ReauthenticationRequired if here == CONSOLE => {
            return see_other(&console::confirm::address(&this.address));
        }
        ErrorKind::PasswordChangeRequired => return see_other(&format!("{folder}password")),
        ErrorKind::MfaEnrolmentRequired => return see_other(&format!("{folder}second-factor")),
        _ => {}
    }
    let mut page = Page::new(this.settings, context.locale, SORRY);
    page.error = Some(error.kind.text().in_locale(context.locale).to_owned());
    if error.kind.status() >= 500 {
        let id = Text { zh: "请求编号", en: "Request id" };
        page.facts.push((id, context.request_id.as_str().to_owned()));
    }
    page.links = vec![(format!("{folder}profile").into(), BACK)];
    let written = page.write(begin_error(error).finish());
    written.unwrap_or_else(|_rejection| begin_error(error).finish())
}

static SCRIPT: LazyLock<Content> = LazyLock::new(|| {
    let file = include_bytes!("page.js");
    Content::new("text/javascript; charset=utf-8", Bytes::from_static(file), None)
});

async fn style(request: HttpRequest, api: Data<Api>) -> Answer<HttpResponse> {
    let settings = api.settings.pages.as_ref().ok_or(ErrorKind::RouteNotFound)?;
    Ok(settings.theme.style().serve(&request, "no-cache"))
}

async fn logo(request: HttpRequest, api: Data<Api>) -> Answer<HttpResponse> {
    let logo = api.settings.pages.as_ref().and_then(|settings| settings.theme.logo());
    Ok(logo.ok_or(ErrorKind::RouteNotFound)?.serve(&request, "no-cache"))
}

async fn script(request: HttpRequest) -> HttpResponse {
    SCRIPT.serve(&request, "no-cache")
}
