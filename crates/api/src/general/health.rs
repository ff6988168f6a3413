//! `GET /health`, `/health/live` and `/health/ready`.

use actix_web::HttpResponseBuilder;
use actix_web::http::header::RETRY_AFTER;
use menjin_domain::health::{ComponentHealth, HealthReport};
use menjin_web::schema::{Components, Schema};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

use crate::prelude::*;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/health", health)
        .answer::<Health>(200, "Every back end works")
        .answer::<Health>(503, "A back end does not work: `checks` names it")
}

pub(super) fn liveness_endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/health/live", live).success("The process answers")
}

pub(super) fn readiness_endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/health/ready", ready)
        .answer::<Readiness>(200, "Requests can be served, if `degraded` not all of them")
        .answer::<Readiness>(503, "Requests cannot be served")
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
        ("unhealthy", unavailable())
    };
    response.json(Report::new(status, &api, &report))
}

/// Check that the process answers.
///
/// Restart it if it does not.
#[api_v2_operation(operation_id = "get_liveness", tags("General"))]
async fn live() -> Answer<Reply<Liveness>> {
    Ok(Reply(Liveness { status: "alive" }))
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
        (false, false) => ("unavailable", unavailable()),
    };
    response.json(Report::new(status, &api, &report))
}

/// The answer of a process that is alive.
pub(crate) fn alive() -> HttpResponse {
    HttpResponse::Ok().json(&Liveness { status: "alive" })
}

/// The report of a server that waits for its database.
pub(crate) fn waiting(status: &'static str, version: &str) -> HttpResponse {
    let check = Check { status: "unhealthy", latency_ms: 0.0 };
    let checks = BTreeMap::from([("database", check)]);
    unavailable().json(Report { status, version: version.to_owned(), checks })
}

fn unavailable() -> HttpResponseBuilder {
    let mut response = HttpResponse::ServiceUnavailable();
    response.insert_header((RETRY_AFTER, 1));
    response
}

response! {
    /// The process answers.
    struct Liveness as "Liveness" {
        status: &'static str => { "enum": ["alive"], "example": "alive" },
    }
}

/// The state of the server, by [`Health`] or by [`Readiness`].
#[derive(Serialize)]
struct Report {
    status: &'static str,
    version: String,
    checks: BTreeMap<&'static str, Check>,
}

#[derive(Serialize)]
struct Check {
    status: &'static str,
    latency_ms: f64,
}

impl Report {
    fn new(status: &'static str, api: &Api, report: &HealthReport) -> Self {
        let check = |component: &ComponentHealth| {
            let status = if component.healthy { "healthy" } else { "unhealthy" };
            // Milliseconds with three decimals: a local database answers in less than one.
            let micros = u32::try_from(component.latency.as_micros()).unwrap_or(u32::MAX);
            (component.name, Check { status, latency_ms: f64::from(micros) / 1000.0 })
        };
        let checks = report.components.iter().map(check).collect();
        Self { status, version: api.settings.version.clone(), checks }
    }

    fn schema(components: &mut Components<'_>, states: &[&str]) -> Value {
        let check = Check::schema(components);
        json!({
            "type": "object",
            "description": "The state of the server.",
            "required": ["status", "version", "checks"],
            "properties": {
                "status": { "type": "string", "enum": states },
                "version": { "type": "string", "example": "0.1.0" },
                "checks": {
                    "type": "object", "description": "The back ends by name.",
                    "additionalProperties": check,
                },
            },
            "additionalProperties": false,
        })
    }
}

/// Stands for a [`Report`].
enum Health {}

impl Schema for Health {
    const NAME: &'static str = "Health";

    fn inline(components: &mut Components<'_>) -> Value {
        Report::schema(components, &["healthy", "unhealthy"])
    }
}

/// Stands for a [`Report`].
enum Readiness {}

impl Schema for Readiness {
    const NAME: &'static str = "Readiness";

    fn inline(components: &mut Components<'_>) -> Value {
        Report::schema(components, &["ready", "degraded", "unavailable"])
    }
}

impl Schema for Check {
    const NAME: &'static str = "ComponentHealth";

    fn inline(_: &mut Components<'_>) -> Value {
        json!({
            "type": "object",
            "description": "The state of a back end.",
            "required": ["status", "latency_ms"],
            "properties": {
                "status": { "type": "string", "enum": ["healthy", "unhealthy"] },
                "latency_ms": { "type": "number", "minimum": 0, "example": 0.2 },
            },
            "additionalProperties": false,
        })
    }
}
