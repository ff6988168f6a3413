//! Reads the settings from their sources, which are arguments: only `environment.rs` looks at the
//! process.

use std::path::PathBuf;

use config::builder::DefaultState;
use config::{Config, ConfigBuilder, Environment, File, FileFormat, Map, Source as _};

use super::{Settings, SettingsError};

const DEFAULT: &str = include_str!("../../../../config/default.toml");
const PRODUCTION: &str = include_str!("../../../../config/production.toml");

/// The sources of settings.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The folder with `local.toml`.
    pub folder: PathBuf,
    /// Whether this is production.
    pub production: bool,
    /// The variables of the environment that begin with `MENJIN_`.
    pub environment: Vec<(String, String)>,
    /// Settings from flags.
    pub overrides: Vec<(String, String)>,
}

impl Settings {
    /// Reads the settings; later sources win over earlier ones (see `config/default.toml`).
    ///
    /// # Errors
    /// The first source that cannot be read, all unknown settings, or the first invalid one.
    pub fn load(sources: Sources) -> Result<Self, SettingsError> {
        let production = sources.production;
        let config = gather(sources)?;
        let mut unknown = Vec::new();
        let mut remember = |path: serde_ignored::Path<'_>| unknown.push(path.to_string());
        let deserializer = serde_ignored::Deserializer::new(config, &mut remember);
        let settings: Result<Self, _> = serde_path_to_error::deserialize(deserializer);
        if !unknown.is_empty() {
            return Err(SettingsError::Unknown { names: unknown });
        }
        let mut settings = settings.map_err(|error| {
            let name = error.path().to_string();
            SettingsError::bad(name, reason(&error.into_inner()))
        })?;
        settings.production = production;
        settings.check()?;
        Ok(settings)
    }
}

fn gather(sources: Sources) -> Result<Config, SettingsError> {
    let mut builder = Config::builder().add_source(File::from_str(DEFAULT, FileFormat::Toml));
    builder = add_file(builder, &sources, "default.toml");
    if sources.production {
        builder = builder.add_source(File::from_str(PRODUCTION, FileFormat::Toml));
        builder = add_file(builder, &sources, "production.toml");
    }
    builder = add_file(builder, &sources, "local.toml");
    builder = builder.add_source(environment(&sources.environment)?);
    for (key, value) in sources.overrides {
        builder = builder
            .set_override(&key, value)
            .map_err(|error| SettingsError::bad(key, error.to_string()))?;
    }
    builder.build().map_err(|error| SettingsError::Unreadable(error.to_string()))
}

fn add_file(
    builder: ConfigBuilder<DefaultState>,
    sources: &Sources,
    name: &str,
) -> ConfigBuilder<DefaultState> {
    builder
        .add_source(File::from(sources.folder.join(name)).format(FileFormat::Toml).required(false))
}

/// The settings in the environment. A variable with one underscore too few is refused: it would be
/// ignored, and it may be a secret. Other unknown variables that begin with `MENJIN_` are ignored,
/// because Kubernetes sets some for a service of that name.
fn environment(variables: &[(String, String)]) -> Result<Environment, SettingsError> {
    let sections = File::from_str(DEFAULT, FileFormat::Toml).collect();
    let sections = sections.map_err(|error| SettingsError::Unreadable(error.to_string()))?;
    let mut settings = Map::new();
    for (name, value) in variables {
        if name.starts_with("MENJIN__") {
            settings.insert(name.clone(), value.clone());
        } else if sections.keys().any(|section| is_meant_for(section, name))
            && !is_a_service_link(name, value)
        {
            return Err(SettingsError::UnknownVariable { name: name.clone() });
        }
    }
    let environment = Environment::with_prefix("MENJIN").prefix_separator("__").separator("__");
    Ok(environment.source(Some(settings)))
}

/// Whether Kubernetes sets such a variable, for example for a service called `menjin-redis`.
fn is_a_service_link(name: &str, value: &str) -> bool {
    ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT_"].iter().any(|part| name.contains(part))
        || (name.ends_with("_PORT") && value.contains("://"))
}

/// Whether a variable looks like a setting of this section with too few underscores.
fn is_meant_for(section: &str, name: &str) -> bool {
    name.starts_with(&format!("MENJIN_{}_", section.to_uppercase()))
}

/// The message without path and origin, because the name of the setting precedes it.
fn reason(error: &config::ConfigError) -> String {
    match error {
        config::ConfigError::Type { unexpected, expected, .. } => {
            format!("{unexpected} is not {expected}")
        }
        config::ConfigError::At { error, .. } => reason(error),
        other => other.to_string(),
    }
}
