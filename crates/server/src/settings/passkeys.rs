//! `[passkeys]`: the site that passkeys are made for.

use actix_web::http::Uri;
use menjin_api::Origin;
use menjin_domain::passkeys::RelyingParty;

use super::Settings;
use super::pages::origin;
use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct PasskeySettings {
    rp_id: String,
    #[serde(with = "list")]
    origins: Vec<Origin>,
}

impl PasskeySettings {
    /// The site; `None`: there are no passkeys, since the server has no name that they could be bound to.
    ///
    /// # Errors
    /// The settings contradict each other.
    pub(crate) fn party(&self, settings: &Settings) -> Result<Option<RelyingParty>, SettingsError> {
        let own = named(&settings.public_url());
        let own_host = own.as_deref().and_then(host);
        let id = match (self.rp_id.as_str(), &own_host) {
            ("", Some(host)) => host.clone(),
            ("", None) => {
                let reason = "needs passkeys.rp_id, or a name in server.public_url: passkeys are bound to \
                              the name of a site";
                return require("passkeys.origins", self.origins.is_empty(), reason).map(|()| None);
            }
            (id, _) => id.to_owned(),
        };
        let is_name = id.split('.').all(|label| {
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            !label.is_empty() && label.chars().all(is_plain)
        });
        let reason =
            "must be the name of a host in small letters, such as app.example, without a scheme";
        require("passkeys.rp_id", is_name && !is_address(&id), reason)?;
        let mut origins = Vec::new();
        for listed in &self.origins {
            let listed = listed.to_string();
            let is_ours = host(&listed).is_some_and(|host| is_within(&host, &id));
            let is_safe =
                listed.starts_with("https://") || host(&listed).as_deref() == Some("localhost");
            let reason = format!(
                "{listed:?} is no https:// address of {id} or of a name below it: browsers give it no passkeys"
            );
            require("passkeys.origins", is_ours && is_safe, reason)?;
            origins.push(listed);
        }
        if own_host.is_some_and(|host| is_within(&host, &id)) {
            origins.extend(own.as_deref().and_then(origin));
        }
        let reason = format!(
            "none of server.public_url and passkeys.origins is at {id}, or at a name below it"
        );
        require("passkeys.rp_id", !origins.is_empty(), reason)?;
        Ok(Some(RelyingParty { id, name: settings.mfa.issuer.clone(), origins }))
    }
}

/// The address by a name: on the machine itself, browsers make passkeys for `localhost` only.
fn named(url: &str) -> Option<String> {
    let host = host(url)?;
    match host.as_str() {
        "127.0.0.1" | "[::1]" => Some(url.replacen(&host, "localhost", 1)),
        host if is_address(host) => None,
        _ => Some(url.to_owned()),
    }
}

fn host(url: &str) -> Option<String> {
    url.parse::<Uri>().ok()?.host().map(str::to_ascii_lowercase)
}

fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok()
}

/// Whether a host is the site, or below it.
fn is_within(host: &str, id: &str) -> bool {
    host.strip_suffix(id).is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn y8_a_site_has_a_name() {
        for (url, expected) in [
            ("http://127.0.0.1:8000", Some("http://localhost:8000")),
            ("http://[::1]:8000", Some("http://localhost:8000")),
            ("https://id.example/auth", Some("https://id.example/auth")),
            ("http://0.0.0.0:8000", None),
            ("https://192.0.2.7", None),
        ] {
            assert_eq!(named(url).as_deref(), expected, "{url}");
        }
        assert!(
            is_within("app.example", "app.example") && is_within("id.app.example", "app.example")
        );
        assert!(
            !is_within("evilapp.example", "app.example") && !is_within("example", "app.example")
        );
    }
}
