//! A secret in a file: made once, and kept.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use menjin_infra_credentials::{SecretError, random_secret};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::SecretFileError;

/// The secret in this file. If the file is not there, it is made (mode 0600), and so is its folder (0700).
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("auth.secret");
/// assert!(menjin::secret_file::read(&path)?.is_none());
/// menjin::secret_file::read_or_make(&path)?;
/// assert!(menjin::secret_file::read(&path)?.is_some());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// See [`SecretFileError`].
pub fn read_or_make(path: &Path) -> Result<SecretString, SecretFileError> {
    if let Some(secret) = read(path)? {
        return Ok(secret);
    }
    let secret = random_secret().map_err(SecretFileError::Random)?;
    write(path, &secret)
        .map_err(|source| SecretFileError::Make { path: path.to_owned(), source })?;
    // Another process may have made the file first; then its secret is used.
    read(path)?.ok_or_else(|| SecretFileError::Gone { path: path.to_owned() })
}

/// The secret in this file; `None`: there is no file.
///
/// # Errors
/// See [`SecretFileError`].
pub fn read(path: &Path) -> Result<Option<SecretString>, SecretFileError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => SecretString::from(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(SecretFileError::Read { path: path.to_owned(), source }),
    };
    let secret = text.expose_secret().trim();
    if secret.len() < SecretError::MIN_BYTES {
        return Err(SecretFileError::TooShort { path: path.to_owned(), bytes: secret.len() });
    }
    Ok(Some(secret.to_owned().into()))
}

/// Writes a new secret completely or not at all: into a temporary file, which is then linked to the
/// final name unless that name exists.
fn write(path: &Path, secret: &SecretString) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if !folder.exists() {
        std::fs::create_dir_all(folder)?;
        std::fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    let draft = path.with_extension(format!("secret.{}", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(secret.expose_secret().as_bytes())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => File::open(folder)?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/auth.secret");
        let first = read_or_make(&path).unwrap();
        let again = read_or_make(&path).unwrap();
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
        let error = read_or_make(&path).unwrap_err().to_string();
        assert!(error.contains("auth.secret") && !error.contains("canary"), "{error}");
    }
}
