//! Waiting for what another process does.

use std::time::{Duration, Instant};

/// Waits until it holds, and fails if that is not within this time.
pub async fn until(what: &str, within: Duration, holds: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < within, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
