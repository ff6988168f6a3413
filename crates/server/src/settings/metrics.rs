//! `[metrics]`: the address where Prometheus reads the metrics.

use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::str::FromStr;

use super::prelude::*;
use super::text::{host, optional};

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct MetricsSettings {
    #[serde(with = "optional")]
    pub(crate) listen: Option<Listen>,
}

/// `ADDRESS:PORT`
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listen(pub(crate) SocketAddr);

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.rsplit_once(':').and_then(|(address, port)| {
            Some(SocketAddr::new(host::parse(address).ok()?, port.parse().ok()?))
        });
        parsed.map(Self).ok_or("write it as ADDRESS:PORT, such as 127.0.0.1:9464")
    }
}

impl Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
