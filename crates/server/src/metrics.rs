//! Metrics for Prometheus, on a separate address.
//!
//! They are no route of the API, because not everybody who may call the API may know how busy the
//! server is. A separate listener also still answers when all workers are busy.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::application::StartError;
use crate::logging;

/// The upper bounds of the buckets of every histogram, in seconds: from the time of a request that
/// needs no other server to more than a login may wait.
const BUCKETS: [f64; 16] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

const DROPPED: &str = "menjin_log_dropped_lines_total";

/// Collects metrics from now on, and serves them as text at this address.
///
/// # Errors
/// The address cannot be listened on, or metrics are collected already.
pub(crate) fn start(address: SocketAddr) -> Result<(), StartError> {
    let cannot = || format!("cannot listen on {address} (metrics.listen)");
    let (recorder, exporter) = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)?
        .with_http_listener(address)
        .build()
        .with_context(cannot)?;
    metrics::set_global_recorder(recorder)?;
    metrics::describe_gauge!("menjin_build_info", "1, for the version that runs.");
    metrics::gauge!("menjin_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    metrics::describe_counter!(DROPPED, "Lines of the log that were dropped.");
    tokio::spawn(count_dropped_lines());
    tokio::spawn(async move {
        if let Err(error) = exporter.await {
            tracing::error!(?error, "figures are no longer served");
        }
    });
    tracing::info!(event = "metrics", %address);
    Ok(())
}

/// The log counts by itself: a line in the log would not be read either.
async fn count_dropped_lines() {
    let mut ticks = tokio::time::interval(Duration::from_millis(500));
    loop {
        ticks.tick().await;
        metrics::counter!(DROPPED).absolute(logging::dropped_lines());
    }
}
