//! What is served while the database is waited for: the process is alive, and nothing else works.

use std::io;

use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::middleware::from_fn;
use actix_web::web::{get, to};
use actix_web::{App, HttpResponse};
use menjin_http::{Peer, Refusal, Serving};
use menjin_web::ErrorKind;

use crate::dialect_of;
use crate::general::health;
use crate::http::middleware;
use crate::http::reply::Rejection;

/// Serves until the server is told to stop, by its handle. `/health/live` says that the process is
/// alive. The other two of health say that the database does not work. Everything else is
/// unavailable.
///
/// # Errors
/// The socket cannot be used.
pub fn serve_waiting(serving: Serving, version: &'static str) -> io::Result<Server> {
    let app = move || {
        let not_yet = || async { Err::<HttpResponse, _>(Rejection(ErrorKind::Unavailable.into())) };
        App::new()
            .route("/health/live", get().to(async || health::alive()))
            .route("/health/ready", get().to(async || health::waiting("unavailable", version)))
            .route("/health", get().to(async || health::waiting("unhealthy", version)))
            .default_service(to(not_yet))
            .wrap(from_fn(|request, next| middleware::handle(dialect_of, request, next)))
    };
    menjin_http::serve(
        serving,
        app,
        |refusal: Refusal, _peer: Peer, _origin: Option<&HeaderValue>| {
            let status = StatusCode::from_u16(middleware::kind_of(refusal).status());
            HttpResponse::new(status.unwrap_or(StatusCode::BAD_REQUEST))
        },
    )
}
