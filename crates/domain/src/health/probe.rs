//! The port that probes a back end.

use async_trait::async_trait;

use crate::common::PortError;

/// Whether a back end works.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait HealthProbe: Send + Sync {
    /// Asks the back end for something small, past every cache. MUST answer within three seconds.
    async fn check(&self) -> Result<(), PortError>;
}
