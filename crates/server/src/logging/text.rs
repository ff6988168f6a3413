//! An event as a line for people on a terminal. A request is one short line:
//! `12:22:07 POST /api/v1/auth/login 200 444 ms 127.0.0.1 8d08a3d1`. Its other events are left out
//! unless they are warnings, or details are asked for.

use std::fmt::{self, Write as _};

use chrono::Local;
use menjin_domain::common::Causes;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// How many characters of a request's id a line shows.
const ID: usize = 8;

/// Writes events.
pub(super) struct TextLine {
    /// Whether what happens within a request has lines of its own.
    pub(super) details: bool,
}

impl<S> FormatEvent<S, TextFields> for TextLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, TextFields>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let normalized = event.normalized_metadata();
        let level = *normalized.as_ref().unwrap_or_else(|| event.metadata()).level();
        let mut parts = Parts::default();
        event.record(&mut parts);
        let is_answer = matches!(parts.event.as_str(), "request" | "refused");
        let span = context.lookup_current();
        if span.is_some() && level == Level::INFO && !is_answer && !self.details {
            return Ok(());
        }
        write!(out, "{}", Local::now().format("%H:%M:%S"))?;
        let color = match level {
            Level::ERROR => "31",
            Level::WARN => "33",
            _ => match parts.status.as_bytes().first() {
                Some(b'5') => "31",
                Some(b'4') => "33",
                _ => "",
            },
        };
        let is_colored = out.has_ansi_escapes() && !color.is_empty();
        if is_colored {
            write!(out, "\u{1b}[{color}m")?;
        }
        if level != Level::INFO {
            write!(out, " {level}")?;
        }
        out.write_str(&if is_answer { parts.answer() } else { parts.plain() })?;
        if let Some(span) = span
            && let Some(fields) = span.extensions().get::<FormattedFields<TextFields>>()
        {
            out.write_char(' ')?;
            fields.chars().take(ID).try_for_each(|letter| out.write_char(letter))?;
        }
        if is_colored {
            out.write_str("\u{1b}[0m")?;
        }
        out.write_char('\n')
    }
}

/// Writes the values of a span's fields. The span of a request has only its id.
pub(super) struct TextFields;

impl<'writer> FormatFields<'writer> for TextFields {
    fn format_fields<R: RecordFields>(&self, mut out: Writer<'writer>, fields: R) -> fmt::Result {
        let mut parts = Parts::default();
        fields.record(&mut parts);
        out.write_str(parts.id.trim_start())
    }
}

/// The parts of a line, each with a space before it.
#[derive(Default)]
struct Parts {
    event: String,
    message: String,
    id: String,
    method: String,
    path: String,
    status: String,
    took_us: u64,
    client: String,
    others: String,
}

impl Parts {
    /// A request and its answer.
    fn answer(&self) -> String {
        let mut line = String::new();
        for part in [&self.method, &self.path, &self.status] {
            if !part.is_empty() {
                line.extend([" ", part]);
            }
        }
        match (self.event.as_str(), self.took_us) {
            ("refused", _) => line.extend([" ", &self.message]),
            (_, took) if took < 10_000 => {
                line.push_str(&format_args!(" {}.{} ms", took / 1000, took / 100 % 10).to_string());
            }
            (_, took) => line.push_str(&format_args!(" {} ms", took / 1000).to_string()),
        }
        if !self.client.is_empty() {
            line.extend([" ", &self.client]);
        }
        line
    }

    fn plain(&self) -> String {
        let mut line = String::new();
        for part in [&self.event, &self.message] {
            if !part.is_empty() {
                line.extend([if line.is_empty() { " " } else { ": " }, part]);
            }
        }
        for (name, value) in [("method", &self.method), ("path", &self.path)] {
            if !value.is_empty() {
                line.extend([" ", name, "=", value]);
            }
        }
        if !self.status.is_empty() {
            line.extend([" status=", &self.status]);
        }
        line + &self.others
    }

    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let into = match field.name() {
            "event" => &mut self.event,
            "message" => &mut self.message,
            "id" => &mut self.id,
            "method" => &mut self.method,
            "path" => &mut self.path,
            "status" => &mut self.status,
            "peer" | super::CLIENT => &mut self.client,
            name if name.starts_with("log.") => return,
            name => {
                self.others.extend([" ", name, "="]);
                &mut self.others
            }
        };
        // Writing to a text does not fail.
        let _written = Escaped(into).write_fmt(value);
    }
}

impl Visit for Parts {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "took_us" {
            self.took_us = value;
        } else {
            self.add(field, format_args!("{value}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }

    /// The error with its causes, because the error alone seldom helps.
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add(field, format_args!("{}", Causes(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }
}

/// Control characters are escaped: a client must not be able to control the terminal.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            if letter.is_control() {
                self.0.extend(letter.escape_default());
            } else {
                self.0.push(letter);
            }
        }
        Ok(())
    }
}
