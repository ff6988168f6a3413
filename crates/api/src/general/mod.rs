//! `GET /` and `/health`.

mod jwks;

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use menjin_domain::health::{ComponentHealth, HealthReport};
use paperclip::actix::web::{ServiceConfig, get};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::Serialize;

use crate::http::routes::resource;
use crate::state::Api;

/// Registers the routes.
pub(crate) fn routes(services: &mut ServiceConfig<'_>) {
    services
        .service(resource("/", "GET, HEAD", vec![get().to(root)]))
        .service(resource("/health", "GET, HEAD", vec![get().to(health)]))
        .service(resource("/health/live", "GET, HEAD", vec![get().to(live)]))
        .service(resource("/health/ready", "GET, HEAD", vec![get().to(ready)]))
        .service(resource("/.well-known/jwks.json", "GET, HEAD", vec![get().to(jwks::jwks)]));
}

/// What this is and where to go on.
#[derive(Serialize, Apiv2Schema)]
#[openapi(rename = "Root")]
struct RootView {
    name: &'static str,
    version: String,
    docs: &'static str,
    redoc: &'static str,
    openapi: &'static str,
    health: &'static str,
}

/// Say what this is and where to go on.
///
/// Names the version and the paths of the documentation and of the health check.
#[api_v2_operation(operation_id = "get_root", tags("General"))]
async fn root(api: Data<Api>) -> Json<RootView> {
    Json(RootView {
        name: "menjin",
        version: api.settings.version.clone(),
        docs: "/docs",
        redoc: "/redoc",
        openapi: "/openapi.json",
        health: "/health",
    })
}

/// Check the server and its back ends.
///
/// 200 if every back end works, else 503 with the failing one named.
#[api_v2_operation(operation_id = "get_health", tags("General"))]
async fn health(api: Data<Api>) -> HttpResponse {
    let report = api.services.check_health.execute().await;
    let (status, mut response) = if report.is_healthy() {
        ("healthy", HttpResponse::Ok())
    } else {
        ("unhealthy", HttpResponse::ServiceUnavailable())
    };
    response.json(report_view(status, &api, &report))
}

/// Check that the process answers.
///
/// Restart it if it does not.
#[api_v2_operation(operation_id = "get_liveness", tags("General"))]
async fn live() -> Json<LivenessView> {
    Json(LivenessView { status: "alive" })
}

/// Check that requests can be served.
///
/// If `degraded`, not all of them. Send no traffic to an instance that answers 503.
#[api_v2_operation(operation_id = "get_readiness", tags("General"))]
async fn ready(api: Data<Api>) -> HttpResponse {
    let report = api.services.check_health.execute().await;
    let (status, mut response) = match (report.is_healthy(), report.is_ready()) {
        (true, _) => ("ready", HttpResponse::Ok()),
        (false, true) => ("degraded", HttpResponse::Ok()),
        (false, false) => ("unavailable", HttpResponse::ServiceUnavailable()),
    };
    response.json(report_view(status, &api, &report))
}

/// The process answers.
#[derive(Serialize, Apiv2Schema)]
#[openapi(rename = "Liveness")]
struct LivenessView {
    status: &'static str,
}

#[derive(Serialize)]
struct ReportView {
    status: &'static str,
    version: String,
    checks: BTreeMap<&'static str, CheckView>,
}

#[derive(Serialize)]
struct CheckView {
    status: &'static str,
    latency_ms: f64,
}

fn report_view(status: &'static str, api: &Api, report: &HealthReport) -> ReportView {
    let check = |component: &ComponentHealth| {
        let status = if component.healthy { "healthy" } else { "unhealthy" };
        // Milliseconds with three digits behind the point: a local database answers in less than one.
        let micros = u32::try_from(component.latency.as_micros()).unwrap_or(u32::MAX);
        (component.name, CheckView { status, latency_ms: f64::from(micros) / 1000.0 })
    };
    let checks = report.components.iter().map(check).collect();
    ReportView { status, version: api.settings.version.clone(), checks }
}
