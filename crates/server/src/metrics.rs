//! Figures for Prometheus, on an address of their own.
//!
//! Not a route of the API: who may call that is not who may know how busy the server is, and a
//! listener of its own still answers when all workers are taken.

use std::net::SocketAddr;

use anyhow::Context as _;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::application::StartError;

/// The upper bounds of the buckets of every histogram, in seconds: from the time of a request that
/// asks nobody to beyond the time that a log-in may wait.
const BUCKETS: [f64; 16] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// Collects figures from now on, and serves them as text to whoever asks at this address.
///
/// # Errors
/// The address cannot be listened on, or figures are collected already.
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
    tokio::spawn(async move {
        if let Err(error) = exporter.await {
            tracing::error!(?error, "figures are no longer served");
        }
    });
    tracing::info!(event = "metrics", %address);
    Ok(())
}
