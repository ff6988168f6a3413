//! `[log]`: the format of logs, and their level.

use tracing_subscriber::EnvFilter;

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct LogSettings {
    #[serde(deserialize_with = "text::name")]
    pub(crate) format: LogFormat,
    #[garde(custom(is_filter))]
    pub(crate) level: String,
}

/// The format of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// For machines.
    Json,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde hands contexts over by reference")]
fn is_filter(level: &str, (): &()) -> garde::Result {
    let parsed = level.parse::<EnvFilter>();
    parsed.map(drop).map_err(|error| garde::Error::new(format!("{level:?}: {error}")))
}
