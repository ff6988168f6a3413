//! `[log]`: the format of logs, and their level.

use serde::Deserializer;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct LogSettings {
    #[serde(deserialize_with = "text::name")]
    pub(crate) format: LogFormat,
    #[serde(deserialize_with = "without_spaces")]
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

/// A space after a comma would be part of a target.
fn without_spaces<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let level = String::deserialize(deserializer)?;
    let directives = level.split(',').map(str::trim).filter(|directive| !directive.is_empty());
    Ok(directives.collect::<Vec<_>>().join(","))
}

/// The names of levels, as they are suggested.
const LEVELS: &str = "error, warn, info, debug, trace or off";

/// Every crate that this program is made of, and so every target that may log.
const LOCK: &str = include_str!("../../../../Cargo.lock");

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde hands contexts over by reference")]
fn is_filter(level: &str, (): &()) -> garde::Result {
    let bad = |reason: String| garde::Error::new(format!("{level:?}: {reason}"));
    if level.is_empty() {
        return Err(bad(format!("must be {LEVELS}")));
    }
    directives(level).try_for_each(|directive| check_directive(directive).map_err(bad))?;
    level.parse::<EnvFilter>().map(drop).map_err(|error| bad(error.to_string()))
}

/// The directives of a filter. Commas also separate the fields of a span.
fn directives(filter: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    filter.split(move |c| {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
}

/// A word that is no level would be read as a target, and everything else would not be logged.
fn check_directive(directive: &str) -> Result<(), String> {
    if directive.parse::<LevelFilter>().is_ok() {
        return Ok(());
    }
    let (target, level) = match directive.rsplit_once('=') {
        Some((target, level)) if !level.contains(['}', ']']) => (target, Some(level)),
        _ => (directive, None),
    };
    let is_of_spans = target.contains('[');
    match level {
        Some(level) if level.parse::<LevelFilter>().is_err() => {
            return Err(format!("{level:?} is no level: write {LEVELS}"));
        }
        None if !is_of_spans => return Err(no_level(directive)),
        _ => {}
    }
    let root = target.split([':', '[']).next().unwrap_or_default();
    let is_known = LOCK.lines().filter_map(|line| line.strip_prefix("name = \"")).any(|name| {
        let name = name.trim_end_matches('"').replace('-', "_");
        name.starts_with(root)
    });
    if is_known {
        return Ok(());
    }
    Err(format!(
        "nothing here logs as {root:?}: write LEVEL or CRATE=LEVEL, such as menjin_api=debug"
    ))
}

fn no_level(word: &str) -> String {
    let meant = match word.to_ascii_lowercase().as_str() {
        "warning" => "warn",
        "err" | "fatal" | "critical" | "crit" | "alert" | "emerg" => "error",
        "information" | "notice" => "info",
        "verbose" | "all" => "trace",
        "none" | "disabled" | "silent" | "quiet" | "false" => "off",
        _ => return format!("{word:?} is no level: write {LEVELS}, or CRATE=LEVEL"),
    };
    format!("{word:?} is no level: write {meant}")
}
