//! Settings that are secrets, or contain one. They are shown with `***` instead of the secret.

use std::convert::Infallible;
use std::fmt::{self, Display};
use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};

/// Types that hold a secret. They are read from text, and shown by their `Display`.
macro_rules! masked {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub(crate) struct $name(pub(crate) SecretString);

        impl $name {
            pub(crate) fn expose(&self) -> &str {
                self.0.expose_secret()
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            // Files end with a line break.
            fn from_str(text: &str) -> Result<Self, Infallible> {
                Ok(Self(text.trim().into()))
            }
        }
    )*};
}

masked! {
    /// A secret, or nothing.
    Secret;
    /// The address of a server, often with a password: a URL, or `HOST:PORT`.
    ServerUrl;
    /// A PEM key, the path of a file with one, or nothing. Only a path is shown.
    KeySource;
}

/// How a PEM begins. Any other text is the path of a file.
pub(super) const PEM: &str = "-----BEGIN";

impl Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.expose().is_empty() { "" } else { "***" })
    }
}

impl Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.expose().starts_with(PEM) { "***" } else { self.expose() })
    }
}

/// The text with `***` instead of its passwords, also those among its parameters. It hides too much
/// rather than too little: everything from the first colon to the last `@`. A path of SQLite has no
/// password.
impl Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.expose();
        if url.starts_with("sqlite://") {
            return f.write_str(url);
        }
        let (scheme, rest) = url.find("://").map_or(("", url), |at| url.split_at(at + 3));
        f.write_str(scheme)?;
        let masked = rest.rsplit_once('@').map(|(login, place)| {
            let user = login.split_once(':').map_or("", |(user, _password)| user);
            format!("{user}:***@{place}")
        });
        let masked = masked.as_deref().unwrap_or(rest);
        let Some((place, parameters)) = masked.split_once('?') else {
            return f.write_str(masked);
        };
        let parameters = parameters.split('&').map(|parameter| match parameter.split_once('=') {
            Some((name @ ("password" | "sslpassword"), _)) => format!("{name}=***"),
            _ => parameter.to_owned(),
        });
        write!(f, "{place}?{}", parameters.collect::<Vec<_>>().join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_masked_wherever_they_are() {
        for (url, shown) in [
            ("", ""),
            ("sqlite://data/a:b@c.db", "sqlite://data/a:b@c.db"),
            ("redis://h:1/2", "redis://h:1/2"),
            ("a:1", "a:1"),
            ("redis://:canary@h", "redis://:***@h"),
            ("rediss://mike:can@ary/@h:1/2", "rediss://mike:***@h:1/2"),
            ("redis://canary@h", "redis://:***@h"),
            ("mike:canary@h:1", "mike:***@h:1"),
            ("postgres://u:can@ary@h/d?a=b", "postgres://u:***@h/d?a=b"),
            ("postgres://u@h/d?password=canary&x=y", "postgres://:***@h/d?password=***&x=y"),
            ("postgres://h/d?password=can@ary", "postgres://:***@ary"),
        ] {
            let Ok(url) = url.parse::<ServerUrl>();
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("canary"));
        }
    }
}
