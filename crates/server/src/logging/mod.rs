//! Logs on standard error: text for people on a terminal, otherwise one JSON object per line.
//!
//! Every request writes a line, so writing a line must be cheap: `json.rs` formats it, and
//! `output.rs` writes it outside of the request.

mod json;
mod output;
mod text;

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, mpsc};
use std::time::Duration;

use anyhow::bail;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber};
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::Layer as Lines;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use self::json::{JsonFields, JsonLine};
use self::output::Dropped;
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

/// How long the end of the process waits for lines that are not yet written.
const LAST_LINES: Duration = Duration::from_millis(1500);

/// The queue of the process's log.
static QUEUE: OnceLock<(NonBlocking, Dropped)> = OnceLock::new();

/// The filter of the process's log, if it can be changed.
static FILTER: OnceLock<Changeable> = OnceLock::new();

/// The log of the process. When it is dropped, it waits for the lines that are not yet written, but
/// not for a reader that hangs.
#[must_use]
pub(crate) struct Log(Option<WorkerGuard>);

impl Drop for Log {
    /// On a thread of its own, since the guard complains on standard output, which may hang too.
    fn drop(&mut self) {
        let guard = self.0.take();
        within(LAST_LINES, move || drop(guard));
    }
}

/// Does something that may hang, and waits no longer than this for it.
fn within(patience: Duration, work: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let worker = std::thread::Builder::new().spawn(move || {
        work();
        let _ = done.send(());
    });
    if worker.is_ok() {
        // It is done, or has panicked, or hangs.
        let _ = wait.recv_timeout(patience);
    }
}

/// Starts logging for the whole process.
pub(crate) fn start(settings: &LogSettings) -> anyhow::Result<Log> {
    let (lines, guard, dropped) = output::start(std::io::stderr(), |number| {
        tracing::warn!(event = "log_dropped", lines = number, "the log was not read in time");
    });
    drop(QUEUE.set((lines.clone(), dropped)));
    let is_text = for_people(settings);
    match plain_filter(&settings.level) {
        Some(filter) => {
            let details = filter.would_enable("menjin_api", &Level::DEBUG);
            let filter = if is_text { without_chatter(filter) } else { filter };
            let filter = Changeable { targets: Arc::new(RwLock::new(filter)), is_text };
            drop(FILTER.set(filter.clone()));
            start_with(filter, lines, is_text.then_some(details))?;
        }
        None => start_with(filter(&settings.level)?, lines, is_text.then_some(true))?,
    }
    hide_panic_payloads();
    Ok(Log(Some(guard)))
}

/// Logs at another level from now on.
///
/// # Errors
/// This level, or the one before it, is not of the plain kind: it takes another start.
pub(crate) fn set_level(level: &str) -> anyhow::Result<()> {
    let (Some(current), Some(filter)) = (FILTER.get(), plain_filter(level)) else {
        bail!("log.level: a filter on spans or fields begins and ends with the process");
    };
    let filter = if current.is_text { without_chatter(filter) } else { filter };
    *current.targets.write().unwrap_or_else(PoisonError::into_inner) = filter;
    tracing::callsite::rebuild_interest_cache();
    Ok(())
}

/// A filter that can be exchanged. Each place that logs asks it once, and again after a change. So
/// it takes no lock where something is logged, unlike `tracing_subscriber::reload`.
#[derive(Clone)]
struct Changeable {
    targets: Arc<RwLock<Targets>>,
    /// Whether people read the log.
    is_text: bool,
}

impl Changeable {
    fn current(&self) -> RwLockReadGuard<'_, Targets> {
        self.targets.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Changeable {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        Layer::<S>::register_callsite(&*self.current(), metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        Layer::<S>::enabled(&*self.current(), metadata, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Layer::<S>::max_level_hint(&*self.current())
    }
}

/// How many lines were dropped since the start.
pub(crate) fn dropped_lines() -> u64 {
    let dropped = QUEUE.get().map_or(0, |(_, dropped)| dropped.lines());
    u64::try_from(dropped).unwrap_or(u64::MAX)
}

/// Prints something for people between the lines of the log.
pub(crate) fn print(text: &str) {
    if let Some((lines, _)) = QUEUE.get() {
        // The queue takes everything, or drops and counts it.
        drop(lines.clone().write_all(text.as_bytes()));
    }
}

/// Says on standard error why the process ends. Nobody may be reading that: then it ends all the
/// same.
pub(crate) fn last_words(text: String) {
    within(LAST_LINES, move || drop(writeln!(std::io::stderr(), "{text}")));
}

fn start_with(
    filter: impl Layer<Registry> + Send + Sync,
    lines: NonBlocking,
    details: Option<bool>,
) -> anyhow::Result<()> {
    let registry = tracing_subscriber::registry().with(filter);
    let started = match details {
        Some(details) => registry.with(text_lines(lines, details)).try_init(),
        None => registry.with(json_lines(lines)).try_init(),
    };
    Ok(started?)
}

fn text_lines<S: Subscriber + for<'a> LookupSpan<'a>>(
    lines: NonBlocking,
    details: bool,
) -> impl Layer<S> {
    // https://no-color.org: set to anything, there are no colours.
    let wants_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let ansi = std::io::stderr().is_terminal() && !wants_none;
    let format = Lines::new().fmt_fields(TextFields).event_format(TextLine { details });
    format.with_writer(lines).with_ansi(ansi)
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
