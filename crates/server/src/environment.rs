//! Reads the settings from the command line and the environment of the process. Only this file
//! looks at the process, so that tests need not change it.

use std::ffi::OsString;

use crate::cli::{Cli, Environment};
use crate::settings::{Settings, SettingsError, Sources, Writings};

/// Reads the settings of this invocation, and where each was written.
pub(crate) fn settings(cli: &Cli) -> Result<(Settings, Writings), SettingsError> {
    let mut overrides = Vec::new();
    for assignment in &cli.set {
        let (key, value) = assignment
            .split_once('=')
            .ok_or_else(|| SettingsError::BadFlag { flag: assignment.clone() })?;
        overrides.push((key.to_owned(), value.to_owned()));
    }
    overrides.extend(cli.host.iter().map(|host| ("server.host".to_owned(), host.clone())));
    overrides.extend(cli.port.iter().map(|port| ("server.port".to_owned(), port.to_string())));
    Settings::load_with_writings(Sources {
        folder: cli.config.clone().unwrap_or_else(|| FOLDER.into()),
        folder_is_named: cli.config.is_some(),
        production: cli.env == Environment::Production,
        environment: variables()?,
        overrides,
    })
}

/// The folder with the settings, unless another one is named.
const FOLDER: &str = "config";

/// The variables of the environment. A variable of ours that is not UTF-8 is an error: otherwise it
/// would be ignored, and it may be a secret.
fn variables() -> Result<Vec<(String, String)>, SettingsError> {
    let as_text = |(name, value): (OsString, OsString)| {
        let name = name.into_string().ok()?;
        let is_ours = name.to_ascii_uppercase().starts_with("MENJIN");
        match value.into_string() {
            Ok(value) => Some(Ok((name, value))),
            Err(_not_text) => is_ours.then(|| Err(SettingsError::bad(name, "is not UTF-8"))),
        }
    };
    std::env::vars_os().filter_map(as_text).collect()
}
