//! Logs: text for people on a terminal, a JSON object a line otherwise, both on standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, LogSettings};

/// Starts logging for the whole process.
pub(crate) fn start(settings: &LogSettings) -> anyhow::Result<()> {
    let filter: EnvFilter = settings.level.parse()?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if for_people(settings) {
        builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    };
    hide_panic_payloads();
    started.map_err(|error| anyhow::anyhow!(error))
}

/// Whether logs are read by people.
pub(crate) fn for_people(settings: &LogSettings) -> bool {
    match settings.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    }
}

/// A panic's message may quote what a client sent, a password even: its place is enough.
fn hide_panic_payloads() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(event = "panic", place);
    }));
}
