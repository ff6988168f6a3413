//! Logs: text for people on a terminal, a JSON object a line otherwise, both on standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, LogSettings};

/// Starts logging for the whole process.
pub(crate) fn start(settings: &LogSettings) -> anyhow::Result<()> {
    let filter = filter(&settings.level)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if for_people(settings) {
        builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    };
    hide_panic_payloads();
    started.map_err(|error| anyhow::anyhow!(error))
}

/// The filter that a level stands for. Of a client that sends nonsense actix reports a fault, without
/// a request's id; menjin-api answers it and says so itself.
fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    let filter: EnvFilter = level.parse()?;
    if level.contains("actix_http") {
        return Ok(filter);
    }
    Ok(filter.add_directive("actix_http::h1::dispatcher=off".parse()?))
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
