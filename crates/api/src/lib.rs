//! # menjin-api
//!
//! menjin over HTTP, on actix-web. It knows the domain's use-cases and ports and nothing of the
//! adapters behind them.
//!
//! * [`Api`] holds the use-cases and the settings of this layer; `configure` registers the routes.
//! * `http/` is what every dialect shares: extractors, the client's address and language, and the
//!   one middleware through which every answer leaves. `failure.rs` says which error belongs where.
//! * `v1/`, `envelope/`, `cache/` and `general/` are the routes: a handler parses, calls one use-case, renders.
//!
//! ```no_run
//! # fn app(api: menjin_api::Api) {
//! let api = actix_web::web::Data::new(api);
//! let app = actix_web::App::new()
//!     .configure(|services| menjin_api::configure(services, api.clone()))
//!     .wrap(actix_web::middleware::from_fn(menjin_api::answer));
//! # }
//! ```

mod cache;
mod docs;
mod envelope;
mod failure;
mod general;
mod http;
mod messages;
mod problem;
mod state;
mod v1;

use actix_web::web::{Data, ServiceConfig, to};

pub use http::answer::answer;
pub use http::client::TrustedProxies;
pub use http::locale::{Locale, UnknownLocale};
pub use http::server::{KEEP_ALIVE, READ_TIMEOUT};
pub use state::{Api, ApiSettings, UseCases};

use failure::Failure;

/// Registers all routes.
pub fn configure(services: &mut ServiceConfig, api: Data<Api>) {
    services
        .app_data(api)
        .configure(general::routes)
        .configure(v1::routes)
        .configure(envelope::routes)
        .configure(cache::routes)
        .configure(docs::routes)
        .default_service(to(|| async {
            Err::<actix_web::HttpResponse, _>(Failure::RouteNotFound)
        }));
}
