//! # menjin-api
//!
//! menjin over HTTP, on actix-web. It knows the domain's use-cases and ports and nothing of the
//! adapters behind them.
//!
//! * [`Api`] holds the use-cases and the settings of this layer; [`serve`] serves it by
//!   `menjin-http`, which is what lies between a socket and a request; [`app()`] is the application
//!   behind it.
//! * `http/` is what every dialect shares: extractors, the client and its language, and the one
//!   middleware through which every answer leaves. `failure.rs` says which error belongs where.
//! * `v1/`, `envelope/`, `cache/` and `general/` are the routes: a handler parses, calls one
//!   use-case, renders.
//! * `openapi/` says what they do, at `/openapi.json`.
//!
//! ```no_run
//! # fn serve(api: menjin_api::Api) -> std::io::Result<()> {
//! let serving = menjin_api::Serving {
//!     listener: std::net::TcpListener::bind("127.0.0.1:8000")?,
//!     tls: None,
//!     workers: None,
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
mod docs;
mod envelope;
mod failure;
mod general;
mod http;
mod messages;
mod openapi;
mod problem;
mod state;
mod v1;

use std::io;

use actix_web::body::BoxBody;
use actix_web::dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::web::{Data, to};
use actix_web::{App, Error};
use paperclip::actix::OpenApiExt as _;
use paperclip::actix::web::ServiceConfig;

pub use http::hasher::PausingHasher;
pub use http::locale::{Locale, UnknownLocale};
pub use menjin_http::cors::{Cors, InvalidOrigin, Origin};
pub use menjin_http::{Serving, TrustedProxies};
pub use state::{Api, ApiSettings};
pub use v1::AuditEventView;

use failure::Failure;
use http::middleware;
use openapi::Document;

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
    menjin_http::serve(serving, app, move |refusal, peer| {
        middleware::refuse(refusal, peer, &refusing)
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
    let shared = Data::clone(&api);
    App::new()
        .app_data(api)
        .configure(more)
        .wrap_api()
        .configure(routes)
        .default_service(to(|| async { Err::<actix_web::HttpResponse, _>(Failure::RouteNotFound) }))
        .with_raw_json_spec_v3(|app, collected| {
            // The first worker's is everybody's: all have the same routes.
            shared.document.get_or_init(|| Document::new(&collected, &shared.settings));
            app
        })
        .build()
        .wrap(from_fn(middleware::handle))
}

/// Registers all routes.
fn routes(services: &mut ServiceConfig<'_>) {
    general::routes(services);
    v1::routes(services);
    envelope::routes(services);
    cache::routes(services);
    openapi::routes(services);
    docs::routes(services);
}
