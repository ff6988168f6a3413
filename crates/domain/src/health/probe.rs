//! The port that probes a back end.

use std::sync::Arc;

use async_trait::async_trait;

use crate::common::PortError;

/// Whether a back end works.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait HealthProbe: Send + Sync {
    /// Makes a small request to the back end, without any cache. MUST answer within three seconds.
    async fn check(&self) -> Result<(), PortError>;
}

/// What a back end is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Importance {
    /// Nobody can be authenticated without it.
    Essential,
    /// Some features do not work without it.
    Supporting,
}

/// A back end to be checked.
#[derive(Clone)]
pub struct Component {
    /// Its name: `database`, `cache`.
    pub name: &'static str,
    /// What it is needed for.
    pub importance: Importance,
    /// Asks it.
    pub probe: Arc<dyn HealthProbe>,
}
