//! `[auth]`: the keys of access tokens that others can verify.

use std::borrow::Cow;

use menjin_infra_credentials::{AccessKey, AccessVerifier, PublicAccessKey};
use secrecy::{ExposeSecret as _, SecretString};

use super::{AuthSettings, SettingsError};

/// In the place of a key: what `auth.secret` and `auth.verify_only_secrets` verify.
const SECRETS: &str = "HS256";

/// How a PEM begins. What begins otherwise is the path of a file with one.
const PEM: &str = "-----BEGIN";

/// The keys that the settings name, read.
#[derive(Debug, Clone)]
pub struct AccessKeys {
    /// What signs access tokens; `None`: the secret.
    pub signing: Option<AccessKey>,
    /// What else verifies them.
    pub verify_only: Vec<AccessVerifier>,
}

impl AuthSettings {
    /// Reads the keys, from their files too.
    ///
    /// # Errors
    /// A file that cannot be read, what is no key, or one that is there twice.
    pub fn access_keys(&self) -> Result<AccessKeys, SettingsError> {
        let name = "auth.access_key";
        let signing = match pem(name, &self.access_key)? {
            None => None,
            Some(pem) => Some(AccessKey::from_pem(&pem).map_err(|error| bad(name, &error))?),
        };
        let name = "auth.verify_only_access_keys";
        let mut verify_only = Vec::new();
        let mut seen = vec![match &signing {
            Some(key) => key.public().id().to_owned(),
            None => SECRETS.to_owned(),
        }];
        for item in &self.verify_only_access_keys {
            let verifier = match pem(name, &item.0)? {
                None => AccessVerifier::Secrets,
                Some(pem) => {
                    let key = PublicAccessKey::from_pem(&pem);
                    AccessVerifier::Key(Box::new(key.map_err(|error| bad(name, &error))?))
                }
            };
            let id = match &verifier {
                AccessVerifier::Secrets => SECRETS,
                AccessVerifier::Key(key) => key.id(),
            };
            if seen.iter().any(|other| other == id) {
                return Err(bad(name, &format!("{id} is there twice, or signs already")));
            }
            seen.push(id.to_owned());
            verify_only.push(verifier);
        }
        Ok(AccessKeys { signing, verify_only })
    }
}

/// The PEM that a setting is or names; `None` for the secrets.
fn pem<'a>(name: &str, setting: &'a SecretString) -> Result<Option<Cow<'a, str>>, SettingsError> {
    let text = setting.expose_secret();
    if text.is_empty() || text == SECRETS {
        return Ok(None);
    }
    if text.starts_with(PEM) {
        return Ok(Some(text.into()));
    }
    match std::fs::read_to_string(text) {
        Ok(pem) => Ok(Some(pem.into())),
        // Not the text: it may be a key that was pasted wrongly.
        Err(error) => Err(bad(name, &format!("cannot read the file that it names: {error}"))),
    }
}

fn bad(name: &str, reason: &impl ToString) -> SettingsError {
    SettingsError::bad(name, reason.to_string())
}

/// A key for people: the path of its file, or nothing of it.
pub(super) fn masked(setting: &SecretString) -> &str {
    let text = setting.expose_secret();
    if text.starts_with(PEM) { "***" } else { text }
}
