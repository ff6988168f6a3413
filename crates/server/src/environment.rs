//! Reads the settings from the command line and the environment of the process. Only this file
//! looks at the process, so that tests need not change it.

use std::ffi::OsString;

use crate::cli::{Cli, Environment};
use crate::settings::{Settings, SettingsError, Sources};

/// Reads the settings of this invocation.
pub(crate) fn settings(cli: &Cli) -> Result<Settings, SettingsError> {
    let mut overrides = Vec::new();
    for assignment in &cli.set {
        let (key, value) = assignment
            .split_once('=')
            .ok_or_else(|| SettingsError::BadFlag { flag: assignment.clone() })?;
        overrides.push((key.to_owned(), value.to_owned()));
    }
    overrides.extend(cli.host.iter().map(|host| ("server.host".to_owned(), host.clone())));
    overrides.extend(cli.port.iter().map(|port| ("server.port".to_owned(), port.to_string())));
    Settings::load(Sources {
        folder: cli.config.clone(),
        production: cli.env == Environment::Production,
        environment: variables()?,
        overrides,
    })
}

/// The variables that begin with `MENJIN_`. A variable that is not UTF-8 is an error: otherwise it
/// would be ignored, and it may be a secret.
fn variables() -> Result<Vec<(String, String)>, SettingsError> {
    let ours = |(name, value): (OsString, OsString)| {
        let name = name.into_string().ok().filter(|name| name.starts_with("MENJIN_"))?;
        Some(match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_not_text) => Err(SettingsError::bad(name, "is not UTF-8")),
        })
    };
    std::env::vars_os().filter_map(ours).collect()
}
