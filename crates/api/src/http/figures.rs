//! Counting and timing requests, for whoever collects figures.

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

const REQUESTS: &str = "menjin_http_requests_total";
const TIMES: &str = "menjin_http_request_duration_seconds";

/// What stands for the route of a request that has none, or was given up.
const NO_ROUTE: &str = "none";

/// What stands for the method of what could not be read.
const UNREAD: &str = "unread";

/// Says what the figures mean.
pub(crate) fn describe() {
    describe_counter!(REQUESTS, "Requests answered, by method, route and status.");
    describe_histogram!(TIMES, Unit::Seconds, "How long their answers took, by method and route.");
}

/// Counts a request. The route is a pattern such as `/api/v1/users/{id}`, never a path: labels have
/// few values, whatever clients send.
pub(crate) fn count(method: &Method, route: Option<String>, status: StatusCode, took: Duration) {
    let method = label(method);
    let route = route.unwrap_or_else(|| NO_ROUTE.to_owned());
    histogram!(TIMES, "method" => method, "route" => route.clone()).record(took);
    let status = status.as_str().to_owned();
    counter!(REQUESTS, "method" => method, "route" => route, "status" => status).increment(1);
}

/// Counts what could not be read as a request.
pub(crate) fn count_unread(status: StatusCode) {
    let status = status.as_str().to_owned();
    counter!(REQUESTS, "method" => UNREAD, "route" => NO_ROUTE, "status" => status).increment(1);
}

fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
