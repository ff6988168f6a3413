//! The v1 dialect: plain JSON and status codes, in the manner of FastAPI.

mod audit;
mod auth;
mod bodies;
mod render;
mod users;
mod views;

use paperclip::actix::web::{ServiceConfig, delete, get, post, put};

use crate::http::routes::resource;

pub use audit::AuditEventView;
pub(crate) use audit::DEFAULT_LIMIT as DEFAULT_AUDIT_LIMIT;
pub(crate) use render::{code, render};
pub(crate) use views::MessageView;
#[cfg(feature = "bench")]
pub(crate) use views::UserView;

/// Registers the routes.
pub(crate) fn routes(services: &mut ServiceConfig<'_>) {
    let get_put = vec![get().to(users::me), put().to(users::update_me)];
    let lock = vec![get().to(users::lock), delete().to(users::lift_lock)];
    services
        .service(resource("/api/v1/auth/register", "POST", vec![post().to(auth::register)]))
        .service(resource("/api/v1/auth/login", "POST", vec![post().to(auth::login)]))
        .service(resource("/api/v1/auth/refresh", "POST", vec![post().to(auth::refresh)]))
        .service(resource("/api/v1/auth/logout", "POST", vec![post().to(auth::logout)]))
        .service(resource(
            "/api/v1/auth/change-password",
            "POST",
            vec![post().to(auth::change_password)],
        ))
        .service(resource("/api/v1/users/me", "GET, HEAD, PUT", get_put))
        .service(resource("/api/v1/users/{user_id}", "GET, HEAD", vec![get().to(users::get_user)]))
        .service(resource(
            "/api/v1/users/{user_id}/activate",
            "POST",
            vec![post().to(users::activate)],
        ))
        .service(resource(
            "/api/v1/users/{user_id}/deactivate",
            "POST",
            vec![post().to(users::deactivate)],
        ))
        .service(resource("/api/v1/users/{user_id}/lock", "GET, HEAD, DELETE", lock))
        .service(resource("/api/v1/audit", "GET, HEAD", vec![get().to(audit::list)]));
}
