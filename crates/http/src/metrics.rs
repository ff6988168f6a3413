//! Counting and timing requests, for a recorder of the `metrics` crate.

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

const REQUESTS: &str = "menjin_http_requests_total";
const DURATION: &str = "menjin_http_request_duration_seconds";

/// The label of a request that matched no route, or whose handler did not finish.
const NO_ROUTE: &str = "none";

/// The method label for what was refused before it became a request.
const UNREAD: &str = "unread";

/// Describes the metrics.
pub fn describe() {
    describe_counter!(REQUESTS, "Requests answered, by method, route and status.");
    describe_histogram!(
        DURATION,
        Unit::Seconds,
        "How long their answers took, by method and route."
    );
}

/// Counts a request. The route is a pattern such as `/api/v1/users/{id}`, never a path: clients
/// would otherwise decide how many series there are.
pub fn count(method: &Method, route: Option<String>, status: StatusCode, took: Duration) {
    let method = label(method);
    let route = route.unwrap_or_else(|| NO_ROUTE.to_owned());
    histogram!(DURATION, "method" => method, "route" => route.clone()).record(took);
    let status = status.as_str().to_owned();
    counter!(REQUESTS, "method" => method, "route" => route, "status" => status).increment(1);
}

/// Counts what was refused before it became a request.
pub fn count_unread(status: StatusCode) {
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
