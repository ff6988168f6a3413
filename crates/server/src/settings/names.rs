//! The names of settings, and what looks like one: near misses are refused, because they would be
//! ignored, and may hold a secret.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::SettingsError;
use super::origin::Origin;

/// Variables of the environment that are read besides the settings.
const OTHERS: [&str; 4] =
    ["MENJIN_CONFIG", "MENJIN_ENV", "MENJIN_TRANSFER_FROM", "MENJIN_TRANSFER_TO"];

/// Secrets, and addresses that may hold one. Each may be read from a file: `auth.secret_file` is the
/// path of a file with `auth.secret`.
const FROM_FILES: [&str; 8] = [
    "auth.access_key",
    "auth.secret",
    "auth.verify_only_access_keys",
    "auth.verify_only_secrets",
    "database.url",
    "mail.smtp.password",
    "redis.nodes",
    "redis.url",
];

/// Whether a setting is a secret, or an address that may hold one.
pub(crate) fn is_secret(name: &str) -> bool {
    FROM_FILES.contains(&name)
}

/// The setting whose text is in the file that the setting of this name names.
pub(super) fn read_from_file(name: &str) -> Option<&str> {
    name.strip_suffix("_file").filter(|setting| FROM_FILES.contains(setting))
}

/// The prefix of variables that are free for tests.
const FOR_TESTS: &str = "MENJIN_TEST_";

/// The settings that there are, taken from `config/default.toml`.
pub(super) struct Known {
    /// The value of each by its name, such as `server.port`.
    values: BTreeMap<String, Value>,
    /// Everything that has settings in it, such as `server` and `server.tls`.
    sections: Vec<String>,
}

impl Known {
    pub(super) fn of(default: Table) -> Self {
        let mut known = Self { values: BTreeMap::new(), sections: Vec::new() };
        let mut tables = vec![(String::new(), default)];
        while let Some((prefix, table)) = tables.pop() {
            for (key, value) in table {
                let name = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
                match value {
                    Value::Table(inner) => {
                        known.sections.push(name.clone());
                        tables.push((name, inner));
                    }
                    value => drop(known.values.insert(name, value)),
                }
            }
        }
        known
    }

    pub(super) fn is_section(&self, name: &str) -> bool {
        self.sections.iter().any(|section| section == name)
    }

    /// The default of a setting, which shows of what kind it is.
    pub(super) fn example(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The setting that somebody who wrote this name may mean.
    pub(super) fn nearest(&self, name: &str) -> Option<&str> {
        let name = plain(name);
        let distance = |known: &str| strsim::osa_distance(&plain(known), &name);
        let all = self.values.keys().map(|known| (distance(known), known.as_str()));
        let close = all.min().filter(|(distance, _)| *distance <= tolerance(&name));
        // Or the key alone, in another section or in none.
        let key = |known: &&String| {
            known.rsplit('.').next().is_some_and(|key| key.len() > 2 && key == name)
        };
        // Of several the one that is least deep: `port` is that of the server, and not of some other.
        let by_key =
            || self.values.keys().filter(key).min_by_key(|known| known.matches('.').count());
        close.map(|(_, known)| known).or_else(|| by_key().map(String::as_str))
    }

    /// The setting that a variable may be meant for.
    fn meant_by(&self, rest: &str) -> Option<&str> {
        let rest = plain(rest);
        let begins = |section: &&String| rest.starts_with(&format!("{}_", plain(section)));
        let is_in_section = self.sections.iter().any(|section| begins(&section));
        self.nearest(&rest).or_else(|| {
            let is_section = self.is_section(&rest);
            (is_in_section || is_section).then_some("")
        })
    }
}

/// How many letters may differ.
fn tolerance(name: &str) -> usize {
    if name.len() > 6 { 2 } else { 1 }
}

/// A name in small letters, with one underscore between its words.
fn plain(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(['_', '.', '-']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

/// `server.port` as a variable of the environment.
fn variable(name: &str) -> String {
    format!("MENJIN__{}", name.to_uppercase().replace('.', "__"))
}

/// The name of an unknown setting with where it was written, and what was probably meant.
pub(super) fn describe_unknown(name: &str, origin: &Origin, meant: Option<&str>) -> String {
    let at = match origin {
        Origin::Default => String::new(),
        origin => format!(" (set by {origin})"),
    };
    match (meant, origin) {
        (Some(meant), Origin::Variable(_)) => {
            format!("`{name}`{at}: did you mean {}?", variable(meant))
        }
        (Some(meant), _) => format!("`{name}`{at}: did you mean `{meant}`?"),
        (None, _) => format!("`{name}`{at}"),
    }
}

/// The settings in the environment: variable, name and text of each. Variables that begin with
/// `MENJIN_` and resemble no setting are ignored, because Kubernetes sets some for a service of
/// that name, and others are nobody's business here.
pub(super) fn settings_in(
    variables: Vec<(String, String)>,
    known: &Known,
) -> Result<Vec<(String, String, String)>, SettingsError> {
    let mut found: Vec<(String, String, String)> = Vec::new();
    for (written, text) in variables {
        if let Some(rest) = written.strip_prefix("MENJIN__") {
            let name = rest.to_lowercase().replace("__", ".");
            let other = format!("MENJIN_{rest}");
            if OTHERS.contains(&other.as_str()) {
                let hint = format!("did you mean {other}?");
                return Err(SettingsError::BadVariable { name: written, hint });
            }
            if let Some((other, ..)) = found.iter().find(|(_, known, _)| *known == name) {
                let hint = format!("{other} is there too: remove one of them");
                return Err(SettingsError::BadVariable { name: written, hint });
            }
            found.push((written, name, text));
        } else if let Some(hint) = near_miss(&written, &text, known) {
            return Err(SettingsError::BadVariable { name: written, hint });
        }
    }
    Ok(found)
}

/// What to write instead of a variable that is not read, if it looks like one that is.
fn near_miss(written: &str, text: &str, known: &Known) -> Option<String> {
    let upper = written.to_uppercase();
    let (prefix, rest) = upper.split_once(['_', '.', '-'])?;
    let has_prefix = prefix == "MENJIN";
    let is_like_prefix = strsim::osa_distance(prefix, "MENJIN") <= 2 && rest.starts_with('_');
    let is_free = OTHERS.contains(&written)
        || written.starts_with(FOR_TESTS)
        || is_a_service_link(written, text);
    if is_free || !(has_prefix || is_like_prefix) {
        return None;
    }
    let other = OTHERS.iter().find(|other| {
        let other = plain(other.trim_start_matches("MENJIN_"));
        strsim::osa_distance(&other, &plain(rest)) <= usize::from(other.len() > 3)
            || plain(rest) == other
            || (other == "env" && plain(rest) == "environment")
    });
    match (other, known.meant_by(rest)) {
        (Some(other), _) => Some(format!("did you mean {other}?")),
        (None, Some("")) => Some("settings are written MENJIN__SECTION__KEY".to_owned()),
        (None, Some(meant)) => Some(format!("did you mean {}?", variable(meant))),
        (None, None) => None,
    }
}

/// Whether Kubernetes sets such a variable, for example for a service called `menjin-redis`.
fn is_a_service_link(name: &str, value: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let of_port = name.split_once("_PORT_").is_some_and(|(_, rest)| {
        let (port, protocol) = rest.split_once('_').unwrap_or((rest, ""));
        is_port(port) && ["TCP", "UDP", "SCTP"].iter().any(|known| protocol.starts_with(known))
    });
    of_port
        || name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || (name.ends_with("_PORT") && value.contains("://"))
}
