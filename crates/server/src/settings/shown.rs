//! What `menjin config check` prints: the settings that hold, which sources were read, and what
//! differs from the default.

use menjin_api::ShownSetting;
use toml::Value;

use super::Settings;
use super::load::Writings;
use super::origin::Origin;

impl Settings {
    /// The settings as TOML, with secrets masked and with remarks. Without the masked secrets it can
    /// be read back.
    ///
    /// # Errors
    /// No cause is known.
    pub(crate) fn to_toml(&self, writings: &Writings) -> Result<String, toml::ser::Error> {
        let mut text = heading(self.production, writings);
        for line in lines(&toml::to_string(self)?) {
            match line {
                Line::Setting { name, key, shown } => push(&mut text, &name, key, shown, writings),
                Line::Other(line) => text = text + line + "\n",
            }
        }
        Ok(text)
    }

    /// The settings, with where each comes from, and with secrets masked.
    pub(super) fn shown_by(&self, writings: &Writings) -> Vec<ShownSetting> {
        let text = toml::to_string(self).unwrap_or_default();
        let shown = lines(&text).into_iter().filter_map(|line| {
            let Line::Setting { name, shown, .. } = line else { return None };
            let written = writings.of(&name).filter(|(_, origin)| **origin != Origin::Default);
            let as_written = written.and_then(|(value, _)| same_duration(value, shown));
            let value = as_written.unwrap_or_else(|| shown.to_owned());
            let origin = written.map(|(_, origin)| origin.to_string());
            Some(ShownSetting { name, value, origin })
        });
        shown.collect()
    }
}

/// A line of TOML.
enum Line<'a> {
    Setting { name: String, key: &'a str, shown: &'a str },
    Other(&'a str),
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut section = "";
    let lines = text.lines().map(|line| {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
        }
        match line.split_once(" = ").filter(|(key, _)| !key.starts_with('[')) {
            Some((key, shown)) => Line::Setting { name: format!("{section}.{key}"), key, shown },
            None => Line::Other(line),
        }
    });
    lines.collect()
}

fn heading(production: bool, writings: &Writings) -> String {
    let environment = if production { "production" } else { "development" };
    let sources = writings.sources().filter(|origin| **origin != Origin::Default);
    let sources: Vec<_> = sources.map(ToString::to_string).collect();
    let read = if sources.is_empty() { "nothing".to_owned() } else { sources.join(", ") };
    let mut text = format!("# environment: {environment}\n# read beside the defaults: {read}\n");
    let absent: Vec<_> = writings.absent().iter().map(|path| path.display().to_string()).collect();
    if !absent.is_empty() {
        text.extend(["# not there: ", &absent.join(", "), "\n"]);
    }
    text + "\n"
}

fn push(text: &mut String, name: &str, key: &str, shown: &str, writings: &Writings) {
    let written = writings.of(name);
    let default = writings.default_of(name);
    if let (Some((value, origin)), Some(default)) = (written, default)
        && value != default
    {
        let remark = format!("# by {origin}; the default is {default}\n");
        text.push_str(&remark);
    }
    let as_written = written.and_then(|(value, _)| same_duration(value, shown));
    let shown = as_written.as_deref().unwrap_or(shown);
    text.extend([key, " = ", shown, "\n"]);
}

/// A duration as it was written, since `365d` is easier to compare with a file than `1year`.
fn same_duration(written: &Value, shown: &str) -> Option<String> {
    let text = written.as_str()?;
    let shown = shown.strip_prefix('"')?.strip_suffix('"')?;
    let same = humantime::parse_duration(text).ok()? == humantime::parse_duration(shown).ok()?;
    same.then(|| written.to_string())
}
