//! `[pages]`: pages for people.

use std::path::PathBuf;

use actix_web::http::Uri;
use menjin_api::{Origin, PageSettings, Theme, theme_in_folder};

use super::prelude::*;
use super::server::ServerSettings;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct PagesSettings {
    account: bool,
    console: bool,
    #[garde(length(chars, min = 1, max = 64))]
    name: String,
    folder: PathBuf,
    #[serde(with = "list")]
    redirect_origins: Vec<Origin>,
}

impl PagesSettings {
    /// What pages need to know; `has_links`: whether links in mails lead to some of them; `is_open`:
    /// whether anybody may register.
    pub(crate) fn settings(
        &self,
        server: &ServerSettings,
        has_links: bool,
        is_open: bool,
    ) -> Option<PageSettings> {
        let scheme = if server.tls.is_on() { "https" } else { "http" };
        let own = || format!("{scheme}://{}", server.address());
        let url = server.public_url().map_or_else(own, ToOwned::to_owned);
        (self.account || self.console || has_links).then(|| PageSettings {
            name: self.name.clone(),
            theme: Theme::default(),
            account: self.account || self.console,
            is_open,
            console: self.console,
            is_secure: url.starts_with("https://"),
            origin: origin(&url),
            redirect_origins: self.redirect_origins.clone(),
        })
    }

    /// How pages look.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub(crate) fn theme(&self) -> Result<Theme, SettingsError> {
        if self.folder.as_os_str().is_empty() {
            return Ok(Theme::default());
        }
        let theme = theme_in_folder(&self.folder);
        theme.map_err(|error| SettingsError::bad("pages.folder", error.to_string()))
    }

    /// Checks that logins are handed over to known applications, and that a cookie does not go through the net in clear.
    pub(super) fn check(
        &self,
        server: &ServerSettings,
        production: bool,
    ) -> Result<(), SettingsError> {
        self.theme()?;
        let any = self.redirect_origins.iter().any(Origin::is_any);
        let reason = "* would hand logins over to anybody: name the origins of your applications";
        require("pages.redirect_origins", !any, reason)?;
        if !(self.account || self.console) || !production {
            return Ok(());
        }
        let url = server.public_url().ok_or_else(|| {
            SettingsError::bad(
                "server.public_url",
                "required in production with pages.account: forms have to come from there, such as \
                 https://accounts.example",
            )
        })?;
        let host = url.parse::<Uri>().ok().and_then(|url| url.host().map(str::to_owned));
        let is_here =
            host.is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str()));
        let is_safe = url.starts_with("https://") || is_here;
        let reason = "needs an https:// address in server.public_url: the cookie of a login must not go in \
                      clear";
        require("pages.account", is_safe, reason)
    }
}

/// Scheme, host and port of an address, as browsers send them: without the port that the scheme has anyway.
pub(super) fn origin(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    let (scheme, host) = (url.scheme_str()?, url.host()?.to_ascii_lowercase());
    let usual = if scheme == "https" { 443 } else { 80 };
    Some(match url.port_u16().filter(|port| *port != usual) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g4_an_origin_is_what_browsers_send() {
        for (url, expected) in [
            ("https://ID.example/auth", "https://id.example"),
            ("https://id.example:443", "https://id.example"),
            ("https://id.example:8443/", "https://id.example:8443"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("http://[::1]:80/a", "http://[::1]"),
        ] {
            assert_eq!(origin(url).as_deref(), Some(expected));
        }
    }
}
