//! Reads the settings from their sources, which are arguments: only `environment.rs` looks at the
//! process.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::names::{self, Known};
use super::origin::Origin;
use super::{Settings, SettingsError, written};

pub(crate) const DEFAULT: &str = include_str!("../../../../config/default.toml");
pub(crate) const PRODUCTION: &str = include_str!("../../../../config/production.toml");

/// The files that are read in the folder of the settings.
const FILES: [&str; 3] = ["default.toml", "production.toml", "local.toml"];

/// The sources of settings.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The folder with `local.toml`.
    pub folder: PathBuf,
    /// Whether somebody named the folder. Then it must be there.
    pub folder_is_named: bool,
    /// Whether this is production.
    pub production: bool,
    /// The variables of the environment.
    pub environment: Vec<(String, String)>,
    /// Settings from flags.
    pub overrides: Vec<(String, String)>,
}

/// A value, and where it was written.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// Every setting that was written anywhere, as it was written last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Writings {
    by_name: BTreeMap<String, Given>,
    defaults: BTreeMap<String, Value>,
    /// Settings whose text is in a file: `auth.secret` for a written `auth.secret_file`.
    in_files: BTreeMap<String, Given>,
    read: Vec<Origin>,
    /// The files that would be read, and are not there.
    absent: Vec<PathBuf>,
}

impl Writings {
    /// The sources that were read and held something, the earliest first.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Origin> {
        self.read.iter()
    }

    /// The variables of the environment that were read.
    pub(crate) fn variables(&self) -> Vec<String> {
        let names = self.read.iter().filter_map(|origin| match origin {
            Origin::Variable(name) => Some(name.clone()),
            _ => None,
        });
        names.collect()
    }

    /// The files that would be read, and are not there.
    pub(crate) fn absent(&self) -> &[PathBuf] {
        &self.absent
    }

    /// A setting as it was written last, and where.
    pub(crate) fn of(&self, name: &str) -> Option<(&Value, &Origin)> {
        self.by_name.get(name).map(|given| (&given.value, &given.origin))
    }

    /// The default of a setting.
    pub(crate) fn default_of(&self, name: &str) -> Option<&Value> {
        self.defaults.get(name)
    }

    /// Where a setting, or one of its items, was written.
    fn origin(&self, name: &str) -> Option<&Origin> {
        let whole = name.split_once('[').map_or(name, |(whole, _index)| whole);
        self.by_name.get(whole).map(|given| &given.origin)
    }

    fn note(&mut self, origin: &Origin) {
        if self.read.last() != Some(origin) {
            self.read.push(origin.clone());
        }
    }

    fn add(&mut self, name: String, value: Value, origin: &Origin) {
        self.note(origin);
        if *origin == Origin::Default {
            self.defaults.insert(name.clone(), value.clone());
        }
        self.by_name.insert(name, Given { value, origin: origin.clone() });
    }

    /// The tables that these settings are in.
    fn to_table(&self) -> Result<Table, SettingsError> {
        let mut root = Table::new();
        for (name, given) in &self.by_name {
            let unknown = || SettingsError::Unknown {
                names: vec![names::describe_unknown(name, &given.origin, None)],
            };
            let mut table = &mut root;
            let mut parts = name.split('.').peekable();
            while let Some(part) = parts.next() {
                if parts.peek().is_none() {
                    table.insert(part.to_owned(), given.value.clone());
                    break;
                }
                let inner = table.entry(part).or_insert_with(|| Value::Table(Table::new()));
                table = inner.as_table_mut().ok_or_else(unknown)?;
            }
        }
        Ok(root)
    }
}

impl Settings {
    /// Reads the settings; later sources win over earlier ones (see `config/default.toml`).
    ///
    /// # Errors
    /// The first source that cannot be read, all unknown settings, or the first invalid one.
    pub fn load(sources: Sources) -> Result<Self, SettingsError> {
        Self::load_with_writings(sources).map(|(settings, _writings)| settings)
    }

    /// Reads the settings, and tells where each was written.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub(crate) fn load_with_writings(sources: Sources) -> Result<(Self, Writings), SettingsError> {
        let production = sources.production;
        let known = Known::of(parse(DEFAULT)?);
        let writings = gather(sources, &known)?;
        let mut unknown = Vec::new();
        let mut remember = |path: serde_ignored::Path<'_>| unknown.push(path.to_string());
        let table = Value::Table(writings.to_table()?);
        let deserializer = serde_ignored::Deserializer::new(table, &mut remember);
        let settings: Result<Self, _> = serde_path_to_error::deserialize(deserializer);
        if !unknown.is_empty() {
            let names = unknown.iter().map(|name| describe_unknown(name, &writings, &known));
            return Err(SettingsError::Unknown { names: names.collect() });
        }
        let settings = settings.map_err(|error| {
            let name = error.path().to_string();
            SettingsError::bad(name, reason(error.into_inner().message()))
        });
        let checked = settings.and_then(|settings| {
            let settings = Self { production, ..settings };
            settings.check()?;
            check_use(&settings, &writings)?;
            let shown = settings.shown_by(&writings);
            Ok(Self { shown, ..settings })
        });
        Ok((checked.map_err(|error| with_origin(error, &writings))?, writings))
    }
}

/// What is wrong, in the words of people instead of serde's.
fn reason(message: &str) -> String {
    let number = message.strip_prefix("invalid value: integer `");
    let number = number.and_then(|rest| rest.split_once("`, expected "));
    let Some((number, kind)) = number else {
        return message.to_owned();
    };
    let most = match kind {
        "u8" => u8::MAX.to_string(),
        "u16" => u16::MAX.to_string(),
        "u32" => u32::MAX.to_string(),
        _ => return format!("{number} must not be negative"),
    };
    format!("{number} is not between 0 and {most}")
}

/// Refuses what an operator wrote for a part that is not in use: they believe that it is.
fn check_use(settings: &Settings, writings: &Writings) -> Result<(), SettingsError> {
    let is_own = |name: &str| {
        writings.of(name).is_some_and(|(value, origin)| {
            origin.is_own() && Some(value) != writings.default_of(name)
        })
    };
    let has_redis = !settings.redis.url.expose().is_empty();
    for name in ["redis.mode", "redis.nodes", "redis.master_name"] {
        let reason = "has no effect without redis.url: set that, or remove this";
        super::require(name, has_redis || !is_own(name), reason)?;
    }
    Ok(())
}

/// An error with the place where the setting at fault was written.
fn with_origin(error: SettingsError, writings: &Writings) -> SettingsError {
    match error {
        SettingsError::Bad { name, reason } => {
            let origin = writings.origin(&name).filter(|origin| **origin != Origin::Default);
            let reason = match origin {
                Some(origin) => format!("{reason} (it is set by {origin})"),
                None => reason,
            };
            SettingsError::Bad { name, reason }
        }
        other => other,
    }
}

fn describe_unknown(name: &str, writings: &Writings, known: &Known) -> String {
    let beneath = format!("{name}.");
    let written = writings
        .by_name
        .iter()
        .find(|(found, _)| found.as_str() == name || found.starts_with(&beneath));
    let (full, origin) = match written {
        Some((full, given)) => (full.as_str(), &given.origin),
        None => (name, &Origin::Default),
    };
    names::describe_unknown(name, origin, known.nearest(full))
}

fn parse(text: &str) -> Result<Table, SettingsError> {
    text.parse().map_err(|error: toml::de::Error| SettingsError::Unreadable(error.to_string()))
}

/// Gathers what the sources say, each value of the kind that its setting has.
fn gather(sources: Sources, known: &Known) -> Result<Writings, SettingsError> {
    let mut writings = Writings::default();
    add_all(&mut writings, parse(DEFAULT)?, &Origin::Default, known)?;
    check_folder(&sources)?;
    add_file(&mut writings, &sources, "default.toml", known)?;
    if sources.production {
        add_all(&mut writings, parse(PRODUCTION)?, &Origin::Production, known)?;
        add_file(&mut writings, &sources, "production.toml", known)?;
    }
    add_file(&mut writings, &sources, "local.toml", known)?;
    for (variable, name, text) in names::settings_in(sources.environment, known)? {
        add(&mut writings, name, Value::String(text), &Origin::Variable(variable), known)?;
    }
    for (name, text) in sources.overrides {
        add(&mut writings, name, Value::String(text), &Origin::Flag, known)?;
    }
    read_files(&mut writings, known)?;
    Ok(writings)
}

/// Reads the settings whose text is in a file.
fn read_files(writings: &mut Writings, known: &Known) -> Result<(), SettingsError> {
    for (name, Given { value, origin }) in std::mem::take(&mut writings.in_files) {
        let bad = |reason: String| SettingsError::bad(format!("{name}_file"), reason);
        if let Some(other) = writings.origin(&name).filter(|other| other.is_own()) {
            let reason =
                format!("is set by {origin}, and {name} itself by {other}: remove one of the two");
            return Err(bad(reason));
        }
        let path = PathBuf::from(value.as_str().unwrap_or_default());
        let text = written::read(&path).map_err(bad)?;
        let is_list = matches!(known.example(&name), Some(Value::Array(_)));
        let value = Value::String(if is_list { written::lines_as_list(&text) } else { text });
        written::check(&name, &value, false)?;
        writings.add(name, value, &Origin::File(path));
    }
    Ok(())
}

/// A folder that somebody named must be one, and must hold no file that looks like settings and is
/// not read.
fn check_folder(sources: &Sources) -> Result<(), SettingsError> {
    if !sources.folder_is_named {
        return Ok(());
    }
    let folder = &sources.folder;
    let bad = |reason: &str| SettingsError::BadFolder {
        folder: folder.clone(),
        reason: reason.to_owned(),
    };
    if folder.is_file() {
        return Err(bad("it is a file: name the folder that local.toml is in"));
    }
    let entries = std::fs::read_dir(folder).map_err(|error| match error.kind() {
        ErrorKind::NotFound => bad("it is not there"),
        _ => bad(&error.to_string()),
    })?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_toml = Path::new(&name).extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"));
        if is_toml && !FILES.iter().any(|file| name == *file) {
            let name = name.to_string_lossy();
            let reason = format!("{name} in it would not be read: only {} are", FILES.join(", "));
            return Err(bad(&reason));
        }
    }
    Ok(())
}

fn add_file(
    writings: &mut Writings,
    sources: &Sources,
    name: &str,
    known: &Known,
) -> Result<(), SettingsError> {
    let path = sources.folder.join(name);
    let unreadable = |error: &dyn fmt::Display| {
        // The errors of TOML have several lines; the last one says what is wrong.
        let text = error.to_string();
        let lines: Vec<_> = text.lines().filter(|line| !line.contains('|')).collect();
        SettingsError::Unreadable(format!("{}: {}", path.display(), lines.join(": ")))
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        // A link that leads nowhere is not an absent file.
        Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => {
            writings.absent.push(path);
            return Ok(());
        }
        Err(error) => return Err(unreadable(&error)),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let table: Table = text.parse().map_err(|error: toml::de::Error| unreadable(&error))?;
    add_all(writings, table, &Origin::File(path), known)
}

/// Adds what a file says.
fn add_all(
    writings: &mut Writings,
    table: Table,
    origin: &Origin,
    known: &Known,
) -> Result<(), SettingsError> {
    let mut tables = vec![(String::new(), table)];
    while let Some((prefix, table)) = tables.pop() {
        for (key, value) in table {
            let name = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            match value {
                Value::Table(inner) if !inner.is_empty() => tables.push((name, inner)),
                Value::Table(_) if known.is_section(&name) => {}
                value => add(writings, name, value, origin, known)?,
            }
        }
    }
    Ok(())
}

fn add(
    writings: &mut Writings,
    name: String,
    value: Value,
    origin: &Origin,
    known: &Known,
) -> Result<(), SettingsError> {
    let located = |error| match error {
        SettingsError::Bad { name, reason } => {
            SettingsError::Bad { name, reason: format!("{reason} (it is set by {origin})") }
        }
        other => other,
    };
    if known.is_section(&name) {
        let reason = format!("is a section: write {name}.KEY");
        return Err(located(SettingsError::bad(name, reason)));
    }
    let is_text = matches!(origin, Origin::Variable(_) | Origin::Flag);
    written::check(&name, &value, is_text).map_err(located)?;
    let value = match known.example(&name) {
        Some(example) => written::fit(&name, value, example).map_err(located)?,
        None => value,
    };
    match names::read_from_file(&name) {
        Some(setting) => {
            writings.note(origin);
            let given = Given { value, origin: origin.clone() };
            writings.in_files.insert(setting.to_owned(), given);
        }
        None => writings.add(name, value, origin),
    }
    Ok(())
}
