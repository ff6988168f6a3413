//! The signing secret of the embedded deployment profile: generated once, and kept beside the
//! database.

use std::path::{Path, PathBuf};

use anyhow::bail;
use menjin::secret_file;
use secrecy::SecretString;

use crate::settings::{Database, Settings};

/// The secret from the settings, or the one in the data folder, which is generated if there is
/// none.
pub(crate) fn signing_secret(settings: &Settings) -> anyhow::Result<SecretString> {
    if !settings.auth.secret.expose().is_empty() {
        return Ok(settings.auth.secret.0.clone());
    }
    match settings.database()? {
        Database::Sqlite(path) => Ok(secret_file::read_or_make(&secret_path(&path))?),
        // The check of the settings has ensured that it is set.
        Database::Postgres(_) => bail!("auth.secret is required with PostgreSQL"),
    }
}

/// The secret that a server with these settings would have on this database; `None`: none yet.
pub(crate) fn secret_at(
    settings: &Settings,
    database: &Database,
) -> anyhow::Result<Option<SecretString>> {
    if !settings.auth.secret.expose().is_empty() {
        return Ok(Some(settings.auth.secret.0.clone()));
    }
    match database {
        Database::Sqlite(path) => Ok(secret_file::read(&secret_path(path))?),
        Database::Postgres(_) => Ok(None),
    }
}

/// The file of the generated secret.
pub(crate) fn secret_path(database: &Path) -> PathBuf {
    database.with_file_name("auth.secret")
}
