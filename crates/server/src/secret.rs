//! The signing secret of the embedded deployment profile: generated once, and kept beside the
//! database.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};

use crate::settings::{Database, Settings};

/// The secret from the settings, or the one in the data folder, which is generated if there is
/// none.
pub(crate) fn signing_secret(settings: &Settings) -> anyhow::Result<SecretString> {
    if !settings.auth.secret.expose().is_empty() {
        return Ok(settings.auth.secret.0.clone());
    }
    match settings.database()? {
        Database::Sqlite(path) => read_or_generate(&secret_path(&path)),
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
        Database::Sqlite(path) => read(&secret_path(path)),
        Database::Postgres(_) => Ok(None),
    }
}

/// The file of the generated secret.
pub(crate) fn secret_path(database: &Path) -> PathBuf {
    database.with_file_name("auth.secret")
}

fn read_or_generate(path: &Path) -> anyhow::Result<SecretString> {
    if let Some(secret) = read(path)? {
        return Ok(secret);
    }
    generate(path).with_context(|| format!("cannot make the secret {}", path.display()))?;
    // Another process may have created the file first; then its secret is used.
    read(path)?.with_context(|| format!("{} has vanished", path.display()))
}

fn read(path: &Path) -> anyhow::Result<Option<SecretString>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => SecretString::from(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let secret = text.expose_secret().trim();
    if secret.len() < 32 {
        bail!(
            "{} holds {} bytes, at least 32 are needed: restore it, or delete it to have a new one \
             made (all log-ins end then)",
            path.display(),
            secret.len()
        );
    }
    Ok(Some(secret.to_owned().into()))
}

/// Writes a new secret completely or not at all: into a temporary file, which is then linked to the
/// final name unless that name exists.
fn generate(path: &Path) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if !folder.exists() {
        std::fs::create_dir_all(folder)?;
        std::fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    let draft = path.with_extension(format!("secret.{}", std::process::id()));
    let secret = menjin_infra_credentials::random_secret()?;
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(secret.expose_secret().as_bytes())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => File::open(folder)?.sync_all()?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/auth.secret");
        let first = read_or_generate(&path).unwrap();
        let again = read_or_generate(&path).unwrap();
        assert_eq!(first.expose_secret(), again.expose_secret());
        assert!(first.expose_secret().len() >= 32);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "no draft is left"
        );
    }

    #[test]
    fn a_short_secret_is_refused_without_being_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.secret");
        std::fs::write(&path, "canary").unwrap();
        let error = format!("{:#}", read_or_generate(&path).unwrap_err());
        assert!(error.contains("auth.secret") && !error.contains("canary"), "{error}");
    }
}
