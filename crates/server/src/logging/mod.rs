//! Logs on standard error: text for people on a terminal, otherwise one JSON object per line.
//!
//! Every request writes a line, so writing a line must be cheap: `json.rs` formats it, and
//! `output.rs` writes it outside of the request.

mod json;
mod output;
mod text;

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::Layer as Lines;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use self::json::{JsonFields, JsonLine};
use self::text::{TextFields, TextLine};
use crate::settings::{LogFormat, LogSettings};

/// actix logs an error here whenever a client sends something that is no request. That is not the
/// server's fault, and anybody could fill the log with it.
const DISPATCHER: &str = "actix_http::h1::dispatcher";

/// The field with the address of a client, which only lines for people show.
const CLIENT: &str = "text.client";

/// What tells at `info` of things that interest nobody at a terminal: threads that start, and how
/// fast this machine hashes.
const CHATTY: [&str; 3] = ["actix_server", "actix_rt", "menjin_infra_credentials"];

/// The log of the process. When it is dropped, it waits for the lines that are not yet written.
#[must_use]
pub(crate) struct Log(#[expect(dead_code, reason = "held to be dropped")] Option<WorkerGuard>);

/// Starts logging for the whole process.
pub(crate) fn start(settings: &LogSettings) -> anyhow::Result<Log> {
    let (lines, guard) = if for_people(settings) {
        (None, None)
    } else {
        let (lines, guard) = output::start(std::io::stderr(), |number| {
            tracing::warn!(event = "log_dropped", lines = number, "the log was not read in time");
        });
        (Some(lines), Some(guard))
    };
    match plain_filter(&settings.level) {
        Some(filter) => {
            let details = filter.would_enable("menjin_api", &Level::DEBUG);
            let filter = if lines.is_some() { filter } else { without_chatter(filter) };
            start_with(filter, lines, details)?;
        }
        None => start_with(filter(&settings.level)?, lines, true)?,
    }
    hide_panic_payloads();
    Ok(Log(guard))
}

fn start_with(
    filter: impl Layer<Registry> + Send + Sync,
    lines: Option<NonBlocking>,
    details: bool,
) -> anyhow::Result<()> {
    let registry = tracing_subscriber::registry().with(filter);
    let started = match lines {
        Some(lines) => registry.with(json_lines(lines)).try_init(),
        None => registry.with(text_lines(details)).try_init(),
    };
    Ok(started?)
}

fn text_lines<S: Subscriber + for<'a> LookupSpan<'a>>(details: bool) -> impl Layer<S> {
    // https://no-color.org: set to anything, there are no colours.
    let wants_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let ansi = std::io::stderr().is_terminal() && !wants_none;
    let lines = Lines::new().fmt_fields(TextFields).event_format(TextLine { details });
    lines.with_writer(std::io::stderr).with_ansi(ansi)
}

/// The filter without what interests nobody at a terminal, unless more than `info` is asked for.
fn without_chatter(filter: Targets) -> Targets {
    CHATTY.iter().fold(filter, |filter, target| {
        let is_info = filter.would_enable(target, &Level::INFO)
            && !filter.would_enable(target, &Level::DEBUG);
        if is_info { filter.with_target(*target, LevelFilter::WARN) } else { filter }
    })
}

fn json_lines<S: Subscriber + for<'a> LookupSpan<'a>>(lines: NonBlocking) -> impl Layer<S> {
    Lines::new().fmt_fields(JsonFields).event_format(JsonLine).with_writer(lines)
}

/// The filter for a level, if it is of the plain kind, which is evaluated once for each place that
/// logs. Filters on spans, fields and patterns take locks with every request.
fn plain_filter(level: &str) -> Option<Targets> {
    let is_plain = !level.is_empty() && !level.contains(['[', '{', '/']);
    let filter: Targets = level.parse().ok().filter(|_| is_plain)?;
    Some(if level.contains("actix_http") {
        filter
    } else {
        filter.with_target(DISPATCHER, LevelFilter::OFF)
    })
}

/// The filter for a level.
fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    let filter: EnvFilter = level.parse()?;
    if level.contains("actix_http") {
        return Ok(filter);
    }
    Ok(filter.add_directive(format!("{DISPATCHER}=off").parse()?))
}

/// Whether people read the log.
pub(crate) fn for_people(settings: &LogSettings) -> bool {
    match settings.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    }
}

/// The message of a panic may quote what a client sent, even a password. So only the place of the
/// panic is logged.
fn hide_panic_payloads() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(event = "panic", place);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_levels_are_filtered_in_the_plain_way_and_alike() {
        for (level, menjin, sqlite, dispatcher) in [
            ("info", Some(Level::INFO), Some(Level::INFO), None),
            ("trace", Some(Level::TRACE), Some(Level::TRACE), None),
            ("off", None, None, None),
            ("warn,menjin=debug", Some(Level::DEBUG), Some(Level::WARN), None),
            ("menjin_infra_sqlite=trace", None, Some(Level::TRACE), None),
            ("info,actix_http=debug", Some(Level::INFO), Some(Level::INFO), Some(Level::DEBUG)),
        ] {
            let filter = plain_filter(level).unwrap();
            let levels =
                [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR].into_iter();
            for (target, most) in
                [("menjin", menjin), ("menjin_infra_sqlite", sqlite), (DISPATCHER, dispatcher)]
            {
                let enabled = levels.clone().find(|at| filter.would_enable(target, at));
                let most = match (target, level) {
                    // A directive applies to all targets that begin with it.
                    ("menjin_infra_sqlite", "warn,menjin=debug") => Some(Level::DEBUG),
                    _ => most,
                };
                assert_eq!(enabled, most, "{level}: {target}");
            }
        }
        for level in ["", "info,[request]=trace", "menjin[{id}]=debug"] {
            assert!(plain_filter(level).is_none(), "{level}");
            assert!(filter(level).is_ok(), "{level}");
        }
    }
}
