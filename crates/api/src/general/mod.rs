//! `GET /` and `/health`.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, ServiceConfig, get};
use menjin_domain::health::{ComponentHealth, HealthReport};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::http::routes::resource;
use crate::state::Api;

/// Registers the routes.
pub(crate) fn routes(services: &mut ServiceConfig) {
    services
        .service(resource("/", "GET, HEAD", vec![get().to(root)]))
        .service(resource("/health", "GET, HEAD", vec![get().to(health)]))
        .service(resource("/health/live", "GET, HEAD", vec![get().to(live)]))
        .service(resource("/health/ready", "GET, HEAD", vec![get().to(ready)]));
}

#[derive(Serialize)]
struct RootView {
    name: &'static str,
    version: String,
    health: &'static str,
}

/// `GET /`: what this is and where to go on.
async fn root(api: Data<Api>) -> Json<RootView> {
    Json(RootView { name: "menjin", version: api.settings.version.clone(), health: "/health" })
}

/// `GET /health`: 200 if every back end works, else 503 with the failing one named.
async fn health(api: Data<Api>) -> HttpResponse {
    let report = api.use_cases.check_health.execute().await;
    let (status, mut response) = if report.is_healthy() {
        ("healthy", HttpResponse::Ok())
    } else {
        ("unhealthy", HttpResponse::ServiceUnavailable())
    };
    response.json(report_view(status, &api, &report))
}

/// `GET /health/live`: the process answers. Restart it if it does not.
async fn live() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// `GET /health/ready`: requests can be served, if `degraded` not all of them. Send no traffic to
/// an instance that answers 503.
async fn ready(api: Data<Api>) -> HttpResponse {
    let report = api.use_cases.check_health.execute().await;
    let (status, mut response) = match (report.is_healthy(), report.is_ready()) {
        (true, _) => ("ready", HttpResponse::Ok()),
        (false, true) => ("degraded", HttpResponse::Ok()),
        (false, false) => ("unavailable", HttpResponse::ServiceUnavailable()),
    };
    response.json(report_view(status, &api, &report))
}

#[derive(Serialize)]
struct ReportView {
    status: &'static str,
    version: String,
    checks: Map<String, Value>,
}

fn report_view(status: &'static str, api: &Api, report: &HealthReport) -> ReportView {
    let check = |component: &ComponentHealth| {
        let status = if component.healthy { "healthy" } else { "unhealthy" };
        // Milliseconds with three digits behind the point: a local database answers in less than one.
        let micros = u32::try_from(component.latency.as_micros()).unwrap_or(u32::MAX);
        let check = json!({ "status": status, "latency_ms": f64::from(micros) / 1000.0 });
        (component.name.to_owned(), check)
    };
    let checks = report.components.iter().map(check).collect();
    ReportView { status, version: api.settings.version.clone(), checks }
}
