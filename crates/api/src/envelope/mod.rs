//! The envelope dialect: every answer is `{"code", "message", "data"}`, and `code` is the status.

mod admin;
mod auth;
mod bodies;
mod render;
mod views;

use paperclip::actix::web::{ServiceConfig, get, post, put};

use crate::http::routes::resource;

pub(crate) use bodies::{DEFAULT_LIMIT, NAME_LENGTH, PASSWORD_MAX, USERNAME_LENGTH};
pub(crate) use render::render;
pub(crate) use views::Envelope;

/// Registers the routes.
pub(crate) fn routes(services: &mut ServiceConfig<'_>) {
    let me = vec![get().to(auth::me), put().to(auth::update_me)];
    services
        .service(resource("/api/auth/register", "POST", vec![post().to(auth::register)]))
        .service(resource("/api/auth/login", "POST", vec![post().to(auth::login)]))
        .service(resource("/api/auth/logout", "POST", vec![post().to(auth::logout)]))
        .service(resource("/api/auth/me", "GET, HEAD, PUT", me))
        .service(resource(
            "/api/auth/change-password",
            "POST",
            vec![post().to(auth::change_password)],
        ))
        .service(resource("/api/auth/users", "GET, HEAD", vec![get().to(admin::list)]))
        .service(resource(
            "/api/auth/users/{user_id}/activate",
            "PUT",
            vec![put().to(admin::activate)],
        ))
        .service(resource(
            "/api/auth/users/{user_id}/deactivate",
            "PUT",
            vec![put().to(admin::deactivate)],
        ));
}
