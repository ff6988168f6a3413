//! `[auth]`: tokens, the keys that sign them, and how long sessions last.

use std::borrow::Cow;

use actix_web::http::Uri;
use menjin_infra_credentials::{AccessKey, AccessVerifier, PublicAccessKey};
use secrecy::SecretString;

use super::masked::{KeySource, PEM, Secret};
use super::prelude::*;
use super::{Database, Settings};

/// The least number of bytes of a signing secret: the size of HS256's digest (RFC 7518 §3.2).
const MIN_SECRET_BYTES: usize = 32;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct AuthSettings {
    #[serde(with = "text")]
    pub(crate) secret: Secret,
    #[serde(with = "list")]
    verify_only_secrets: Vec<Secret>,
    #[serde(with = "text")]
    access_key: KeySource,
    #[serde(with = "list")]
    verify_only_access_keys: Vec<KeySource>,
    #[garde(length(min = 1))]
    pub(crate) issuer: String,
    #[garde(length(min = 1))]
    pub(crate) audience: String,
    #[serde(with = "duration")]
    #[garde(custom(lasts(SECOND, LONGEST)))]
    pub(crate) access_ttl: Duration,
    #[serde(with = "duration")]
    #[garde(custom(lasts(SECOND, 10 * YEAR)))]
    pub(crate) refresh_ttl: Duration,
    #[serde(with = "duration")]
    pub(crate) refresh_grace: Duration,
    // A change by another process may stay unseen for this long.
    #[serde(with = "duration")]
    #[garde(custom(lasts(Duration::ZERO, 60 * SECOND)))]
    pub(crate) session_cache_ttl: Duration,
}

impl AuthSettings {
    /// The secrets that sign nothing any more.
    pub(crate) fn verify_only_secrets(&self) -> Vec<SecretString> {
        self.verify_only_secrets.iter().map(|secret| secret.0.clone()).collect()
    }

    /// The issuer, if others can find the keys of access tokens there: it is an `https` URL without
    /// query or fragment (RFC 8414 §2), and tokens are signed by a key.
    ///
    /// # Errors
    /// A key that cannot be read.
    pub(crate) fn published_issuer(&self) -> Result<Option<String>, SettingsError> {
        let (access_key, _) = self.access_keys()?;
        let rest = self.issuer.strip_prefix("https://").filter(|rest| !rest.starts_with('/'));
        let is_url =
            rest.is_some() && self.issuer.parse::<Uri>().is_ok_and(|url| url.query().is_none());
        let is_findable = is_url && !self.issuer.contains(['?', '#', '@']);
        Ok((access_key.is_some() && is_findable).then(|| self.issuer.clone()))
    }

    pub(super) fn check(&self, settings: &Settings) -> Result<(), SettingsError> {
        let has_secret = !self.secret.expose().is_empty();
        let bytes = format!("at least {MIN_SECRET_BYTES} random bytes");
        let how = "such as from `openssl rand -hex 32`";
        require("auth.secret", has_secret || !settings.production, {
            format!("required in production: {bytes}, {how}")
        })?;
        let has_folder = matches!(settings.database()?, Database::Sqlite(_));
        require("auth.secret", has_secret || has_folder, {
            format!(
                "required with PostgreSQL, where there is no folder to keep one in: {bytes}, the \
                 same for all replicas, {how}"
            )
        })?;
        self.check_secrets(settings)?;
        self.access_keys()?;
        let shorter = self.access_ttl <= self.refresh_ttl;
        require("auth.access_ttl", shorter, "must not be longer than auth.refresh_ttl")
    }

    /// Checks that each secret is long enough and is used in one place only. Otherwise somebody who
    /// learns a secret in one place could sign tokens with it in another. So a secret must not be a
    /// password in a URL either.
    fn check_secrets(&self, settings: &Settings) -> Result<(), SettingsError> {
        let own = Some(("auth.secret", self.secret.expose()));
        let own = own.filter(|(_, secret)| !secret.is_empty());
        let others = self.verify_only_secrets.iter();
        let others = others.map(|secret| ("auth.verify_only_secrets", secret.expose()));
        let urls = [settings.database.url.expose(), settings.redis.url.expose()];
        let mut seen = Vec::new();
        for (name, secret) in own.into_iter().chain(others) {
            let length = secret.len();
            require(name, length >= MIN_SECRET_BYTES, {
                format!("{length} bytes are too few: at least {MIN_SECRET_BYTES}")
            })?;
            let twice = seen.contains(&secret) || urls.iter().any(|url| url.contains(secret));
            require(name, !twice, "a secret is used twice: each needs its own")?;
            seen.push(secret);
        }
        Ok(())
    }

    /// The key that signs access tokens (`None`: the secret signs them), and the other keys that
    /// verify them, all read from their files. No key may appear twice.
    pub(crate) fn access_keys(
        &self,
    ) -> Result<(Option<AccessKey>, Vec<AccessVerifier>), SettingsError> {
        let name = "auth.access_key";
        let signing = self.access_key.pem(name)?;
        let signing = signing.map(|pem| AccessKey::from_pem(&pem)).transpose();
        let signing = signing.map_err(|error| SettingsError::bad(name, error.to_string()))?;
        let name = "auth.verify_only_access_keys";
        let mut verify_only = Vec::new();
        let mut seen = vec![match &signing {
            Some(key) => key.public().id().to_owned(),
            None => SECRETS.to_owned(),
        }];
        for key in &self.verify_only_access_keys {
            let (id, verifier) = match key.pem(name)? {
                None => (SECRETS.to_owned(), AccessVerifier::Secrets),
                Some(pem) => {
                    let key = PublicAccessKey::from_pem(&pem)
                        .map_err(|error| SettingsError::bad(name, error.to_string()))?;
                    (key.id().to_owned(), AccessVerifier::Key(Box::new(key)))
                }
            };
            let new = !seen.contains(&id);
            require(name, new, format!("{id} is there twice, or signs already"))?;
            seen.push(id);
            verify_only.push(verifier);
        }
        Ok((signing, verify_only))
    }
}

/// In a list of keys, this stands for `auth.secret` and `auth.verify_only_secrets`.
const SECRETS: &str = "HS256";

impl KeySource {
    /// The PEM that the setting of this name contains or names; `None` for the secrets.
    pub(super) fn pem(&self, name: &str) -> Result<Option<Cow<'_, str>>, SettingsError> {
        let text = self.expose();
        if text.is_empty() || text == SECRETS {
            return Ok(None);
        }
        if text.starts_with(PEM) {
            return Ok(Some(with_line_breaks(text)));
        }
        match std::fs::read_to_string(text) {
            Ok(pem) => Ok(Some(with_line_breaks(&pem).into_owned().into())),
            // Without the text: it may be a key that was pasted wrongly.
            Err(error) => {
                let reason = format!("cannot read the file that it names: {error}");
                Err(SettingsError::bad(name, reason))
            }
        }
    }
}

/// A PEM with its line breaks. Where values have one line, people and programs write them as `\n`,
/// two characters, which a PEM has nowhere else.
pub(super) fn with_line_breaks(pem: &str) -> Cow<'_, str> {
    if pem.contains("\\n") {
        pem.replace("\\r", "").replace("\\n", "\n").into()
    } else {
        pem.into()
    }
}
