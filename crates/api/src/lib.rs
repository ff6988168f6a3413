//! # menjin-api
//!
//! menjin over HTTP, on actix-web. It knows the domain's use-cases and ports and nothing of the
//! adapters behind them.
//!
//! * [`Api`] holds the use-cases and the settings of this layer; [`serve`] serves it by
//!   `menjin-http`, which is what lies between a socket and a request; [`app()`] is the application
//!   behind it.
//! * `v1/`, `envelope/`, `cache/` and `general/` are the endpoints, a file each: a handler parses, calls
//!   one use-case, renders. `endpoint.rs` says what an endpoint declares.
//! * `http/` is what every dialect shares: extractors, replies, and the one middleware through which
//!   every answer leaves. Errors and field types are those of `menjin-web`.
//! * `openapi/` joins what the endpoints declare, at `/openapi.json`.
//!
//! ```no_run
//! # fn serve(api: menjin_api::Api) -> std::io::Result<()> {
//! let serving = menjin_api::Serving {
//!     listener: std::net::TcpListener::bind("127.0.0.1:8000")?,
//!     tls: None,
//!     workers: None,
//!     keep_alive: std::time::Duration::from_secs(75),
//!     max_connections: std::num::NonZero::new(10_000).ok_or(std::io::ErrorKind::InvalidInput)?,
//!     shutdown_timeout: std::time::Duration::from_secs(8),
//! };
//! let server = menjin_api::serve(actix_web::web::Data::new(api), serving)?;
//! # drop(server); Ok(())
//! # }
//! ```

#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench;
mod cache;
mod dev_mail;
mod dialect;
mod docs;
mod downloads;
mod endpoint;
mod envelope;
mod general;
mod http;
mod openapi;
mod pages;
mod prelude;
mod state;
mod theme;
mod v1;
mod waiting;

use std::io;

use actix_web::body::BoxBody;
use actix_web::dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::header::LOCATION;
use actix_web::middleware::from_fn;
use actix_web::web::{Data, to};
use actix_web::{App, Error, HttpRequest, HttpResponse};
use menjin_web::ErrorKind;

pub use dev_mail::{DevMail, DevMails};
pub use downloads::exported_user;
pub use http::hasher::PausingHasher;
pub use menjin_http::cors::{Cors, InvalidOrigin, Origin, RequestHeader};
pub use menjin_http::{Serving, TrustedProxies};
pub use menjin_web::{Locale, UnknownLocale};
pub use pages::theme_in_folder;
pub use state::{Api, ApiSettings, PageSettings, ShownSetting};
pub use theme::{Theme, ThemeError};
pub use v1::{
    AuditEvent, CreatedUserResponse, InvitationResponse, IssuedResponse, MailResponse, UserResponse,
};
pub use waiting::serve_waiting;

use dialect::Dialect;
use endpoint::Endpoint;
use http::middleware;
use http::reply::Answer;
use openapi::Table;

/// Serves until the server is told to stop, by its handle. It handles no signals.
///
/// # Errors
/// The socket cannot be used.
pub fn serve(api: Data<Api>, serving: Serving) -> io::Result<Server> {
    serve_with(api, serving, |_| {})
}

/// The same with routes of the embedder's own, which go before menjin's.
///
/// # Errors
/// The socket cannot be used.
pub fn serve_with(
    api: Data<Api>,
    serving: Serving,
    more: impl Fn(&mut actix_web::web::ServiceConfig) + Clone + Send + 'static,
) -> io::Result<Server> {
    let refusing = Data::clone(&api);
    let app = move || app_with(Data::clone(&api), more.clone());
    menjin_http::serve(serving, app, move |refusal, peer, origin| {
        middleware::refuse(refusal, peer, origin, &refusing, &v1::DIALECT)
    })
}

/// The whole application, for one worker of a server of the embedder's own: [`serve`] also minds
/// what happens before there is a request.
pub fn app(
    api: Data<Api>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    >,
> {
    app_with(api, |_| {})
}

/// The same with routes of the embedder's own, which go before menjin's.
pub fn app_with(
    api: Data<Api>,
    more: impl FnOnce(&mut actix_web::web::ServiceConfig),
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let mut pages = Vec::new();
    if let Some(settings) = &api.settings.pages {
        pages.extend(pages::endpoints(settings));
    }
    if api.settings.dev_mails.is_some() {
        pages.push(dev_mail::endpoint());
    }
    App::new()
        .app_data(api)
        .configure(more)
        .configure(|services| {
            let endpoints = tables().into_iter().flat_map(|(_, endpoints)| endpoints);
            endpoint::register(endpoints.chain(pages).collect(), services);
        })
        .default_service(to(nowhere))
        .wrap(from_fn(|request, next| middleware::handle(dialect_of, request, next)))
}

/// Answers for paths that nobody has. With a slash after the path of a route it is a redirect to that
/// route, as in FastAPI; 307, so that the method and the body stay.
async fn nowhere(request: HttpRequest) -> Answer<HttpResponse> {
    let path = request.path();
    let route = path.strip_suffix('/').filter(|path| request.resource_map().has_resource(path));
    // Relative to the folder that the request was for: so it holds behind a path prefix that a proxy
    // strips, and cannot lead to another host.
    let sent = route.and_then(|_| request.uri().path().strip_suffix('/')?.rsplit_once('/'));
    let Some((_, name)) = sent.filter(|(_, name)| !name.is_empty()) else {
        return Err(ErrorKind::RouteNotFound.into());
    };
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let location = format!("../{name}{query}");
    Ok(HttpResponse::TemporaryRedirect().insert_header((LOCATION, location)).finish())
}

/// All endpoints, by dialect.
fn tables() -> [Table; 2] {
    // The document is in this order: what is used first comes first.
    let mut v1: Vec<Endpoint> = v1::endpoints();
    v1.extend(cache::endpoints());
    v1.extend(general::endpoints());
    v1.extend(openapi::endpoints());
    v1.extend(docs::endpoints());
    [(&v1::DIALECT, v1), (&envelope::DIALECT, envelope::endpoints())]
}

/// The dialect of a path, known or not.
fn dialect_of(path: &str) -> &'static Dialect {
    let is_below = |folder| {
        path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if is_below("/api/auth") {
        &envelope::DIALECT
    } else if is_below("/account") || is_below("/console") {
        &pages::DIALECT
    } else {
        &v1::DIALECT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_is_a_folder_of_paths() {
        let is_envelope = |path| std::ptr::eq(dialect_of(path), &raw const envelope::DIALECT);
        for path in ["/api/auth", "/api/auth/", "/api/auth/login", "/api/auth/nowhere"] {
            assert!(is_envelope(path), "{path}");
        }
        let is_page = |path| std::ptr::eq(dialect_of(path), &raw const pages::DIALECT);
        assert!(is_page("/account") && is_page("/console/users") && !is_page("/accounts"));
        for path in ["/", "/api", "/api/authority", "/api/v1/auth/login", "/x/api/auth/login"] {
            assert!(!is_envelope(path), "{path}");
        }
    }
}
