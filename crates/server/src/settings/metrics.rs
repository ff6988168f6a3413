//! `[metrics]`: the address where Prometheus reads the metrics.

use std::net::SocketAddr;

use super::prelude::*;
use super::text::optional;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct MetricsSettings {
    #[serde(with = "optional")]
    pub(crate) listen: Option<SocketAddr>,
}
