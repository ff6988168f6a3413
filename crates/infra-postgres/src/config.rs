//! The configuration: where the database is, and how it is used.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::tls::{self, Own, Tls};

/// Where the database is, and how it is used.
#[derive(Debug, Clone)]
pub struct PostgresConfig {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with the usual parameters after a `?`. The
    /// parameter `sslmode` is one of
    ///
    /// * `disable`: no TLS;
    /// * `prefer`, the default as with libpq: TLS if the server offers it; the certificate is not
    ///   checked, so this does not protect against somebody in between;
    /// * `require`: TLS; the certificate is not checked;
    /// * `verify-full`: TLS with a certificate for this host, signed by an authority that the
    ///   system trusts, or by one in the PEM file that `sslrootcert` names (`system` names those of
    ///   the system, and asks for `verify-full` by itself). Only this protects
    ///   against somebody in between.
    ///
    /// `sslcert` and `sslkey` name PEM files with the certificate that is shown to the server and its
    /// key, without a password; they need `require` or `verify-full`.
    ///
    /// Several servers are written `HOST1:PORT,HOST2:PORT`. The one that takes writes is used; each
    /// has 1.5 seconds to answer, or as long as `connect_timeout` says.
    pub url: SecretString,
    /// The greatest number of connections; at least one. If statements stay prepared, up to a
    /// quarter of the connections, one per core, serve only session lookups.
    pub pool_size: usize,
    /// The longest time that a call waits for a connection; no longer than
    /// [`MAX_ACQUIRE_TIMEOUT`](Self::MAX_ACQUIRE_TIMEOUT).
    pub acquire_timeout: Duration,
    /// How long a statement may take in the server; no longer than
    /// [`MAX_STATEMENT_TIMEOUT`](Self::MAX_STATEMENT_TIMEOUT).
    pub statement_timeout: Duration,
    /// How old a connection may become. An older one is replaced before it is used again, so that
    /// none stays for ever with a server that has been replaced.
    pub max_age: Duration,
    /// Whether statements are prepared once per connection and then reused, which takes one round
    /// trip per statement. Through PgBouncer in transaction mode this needs PgBouncer 1.21 with
    /// `max_prepared_statements` above 0. Otherwise set it to `false`: each call is then a
    /// transaction that prepares its statements, which takes four round trips.
    pub prepared_statements: bool,
}

impl PostgresConfig {
    /// The longest wait for a connection.
    pub const MAX_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
    /// The longest time for a statement. The rest of the three seconds must be enough for
    /// everything else.
    pub const MAX_STATEMENT_TIMEOUT: Duration = Duration::from_millis(2500);

    /// The usual age that a connection may reach.
    pub const MAX_AGE: Duration = Duration::from_secs(30 * 60);

    /// The database at this URL, with 16 connections and the longest timeouts.
    pub fn at(url: impl Into<SecretString>) -> Self {
        Self {
            url: url.into(),
            pool_size: 16,
            acquire_timeout: Self::MAX_ACQUIRE_TIMEOUT,
            statement_timeout: Self::MAX_STATEMENT_TIMEOUT,
            max_age: Self::MAX_AGE,
            prepared_statements: true,
        }
    }

    /// Host, port and database, for people. Empty if the URL cannot be read.
    pub fn place(&self) -> String {
        Target::parse(&self.url).map_or_else(|_unread| String::new(), |target| target.place())
    }

    /// Checks whether the URL can be read, and the files that it names. The reason shows no part of
    /// the URL but the paths of these files.
    pub fn check_url(url: &str) -> Result<(), Cow<'static, str>> {
        let target = Target::parse(&url.into())?;
        tls::files(&target.tls, target.own.as_ref()).map(drop).map_err(Cow::Owned)
    }
}

/// A parsed URL.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Everything but TLS. Does not print the password.
    pub(crate) postgres: tokio_postgres::Config,
    /// The same for each of the hosts.
    pub(crate) hosts: Vec<tokio_postgres::Config>,
    /// The number of the host that answered last.
    pub(crate) last: Arc<AtomicUsize>,
    /// TLS.
    pub(crate) tls: Tls,
    /// What is shown to the server.
    pub(crate) own: Option<Own>,
}

const FORM: &str = "cannot be read: write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE, with \
                    characters such as @ : / ? # of the password as %40 %3A %2F %3F %23, and \
                    parameters that PostgreSQL has";

impl Target {
    /// Parses a URL. A part that cannot be read is not shown: it may be part of the password.
    pub(crate) fn parse(url: &SecretString) -> Result<Self, &'static str> {
        let url = url.expose_secret();
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err("write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE");
        }
        // The first `@` ends the credentials, as in tokio-postgres.
        let credentials = url.find('@').map_or(0, |at| at + 1);
        let (before, rest) = url.split_at(credentials);
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (mut mode, mut authorities, mut others) = (None, None, Vec::new());
        let (mut certificate, mut key) = (None, None);
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", value)) => authorities = Some(percent_decoded(value)?),
                Some(("sslcert", value)) => certificate = Some(percent_decoded(value)?),
                Some(("sslkey", value)) => key = Some(percent_decoded(value)?),
                _ => others.push(parameter),
            }
        }
        let parse = |place: &str| -> Result<tokio_postgres::Config, _> {
            let plain = format!("{before}{place}?{}", others.join("&"));
            plain.parse().map_err(|_shows_it| FORM)
        };
        let mut postgres = parse(place)?;
        if postgres.get_hosts().is_empty() {
            return Err("names no host");
        }
        // As libpq has it: the system's authorities, and then nothing less than verify-full.
        let (mode, authorities) = match authorities {
            Some(file) if file.as_os_str() == "system" => match mode {
                None | Some("verify-full") => (Some("verify-full"), None),
                Some(_) => return Err("sslrootcert=system needs sslmode=verify-full"),
            },
            authorities => (mode, authorities),
        };
        let (negotiation, tls) = match (mode, authorities) {
            (Some("verify-full"), authorities) => (SslMode::Require, Tls::Verified { authorities }),
            (_, Some(_)) => return Err("sslrootcert needs sslmode=verify-full"),
            (None | Some("prefer"), None) => (SslMode::Prefer, Tls::Unverified),
            (Some("require"), None) => (SslMode::Require, Tls::Unverified),
            (Some("disable"), None) => (SslMode::Disable, Tls::Off),
            _ => return Err("sslmode is none of disable, prefer, require and verify-full"),
        };
        let own = match (certificate, key) {
            (None, None) => None,
            (Some(_), None) => return Err("sslcert needs sslkey"),
            (None, Some(_)) => return Err("sslkey needs sslcert"),
            // Without TLS, and where TLS may be left out, it would not be shown.
            (Some(_), Some(_)) if negotiation != SslMode::Require => {
                return Err("sslcert needs sslmode=require or verify-full");
            }
            (Some(certificate), Some(key)) => Some(Own { certificate, key }),
        };
        let (names, database) = place.split_once('/').unwrap_or((place, ""));
        let each = names.split(',').map(|name| parse(&format!("{name}/{database}")));
        let mut hosts = each.collect::<Result<Vec<_>, _>>()?;
        if hosts.len() != postgres.get_hosts().len() {
            // The parameters name a host.
            hosts = vec![postgres.clone()];
        }
        let is_one = hosts.len() == 1;
        for config in hosts.iter_mut().chain([&mut postgres]) {
            config.ssl_mode(negotiation);
            if config.get_application_name().is_none() {
                config.application_name("menjin");
            }
            if !is_one {
                // A standby would take no writes.
                config.target_session_attrs(TargetSessionAttrs::ReadWrite);
            }
        }
        Ok(Self { postgres, hosts, last: Arc::default(), tls, own })
    }

    /// Host, port and database, for people.
    pub(crate) fn place(&self) -> String {
        let hosts = host_names(&self.postgres);
        match self.postgres.get_dbname().or(self.postgres.get_user()) {
            Some(database) => format!("{hosts}/{database}"),
            None => hosts,
        }
    }
}

/// Hosts and ports, for people.
pub(crate) fn host_names(postgres: &tokio_postgres::Config) -> String {
    let ports = postgres.get_ports();
    let hosts = postgres.get_hosts().iter().enumerate().map(|(number, host)| {
        let port = ports.get(number).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(folder) => format!("{}:{port}", folder.display()),
        }
    });
    hosts.collect::<Vec<_>>().join(",")
}

fn percent_decoded(text: &str) -> Result<PathBuf, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        rest = others;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, others @ ..] = rest else { return Err(FORM) };
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let (Some(high), Some(low)) = (digit(high), digit(low)) else { return Err(FORM) };
        bytes.push(high * 16 + low);
        rest = others;
    }
    String::from_utf8(bytes).map(PathBuf::from).map_err(|_no_text| FORM)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target::parse(&url.into()).unwrap()
    }

    #[test]
    fn a_url_is_read() {
        let target = target(
            "postgresql://ann:p%40ss@db.example:6432/menjin?options=-c%20search_path%3Dx&sslmode=disable",
        );
        assert_eq!(target.tls, Tls::Off);
        assert_eq!(target.place(), "db.example:6432/menjin");
        assert_eq!(target.postgres.get_password(), Some(b"p@ss".as_slice()));
        assert_eq!(target.postgres.get_options(), Some("-c search_path=x"));
        assert_eq!(target.postgres.get_application_name(), Some("menjin"));
        assert!(!format!("{target:?}").contains("p@ss"));
    }

    #[test]
    fn tls_is_as_the_url_says() {
        for (parameters, mode, tls) in [
            ("", SslMode::Prefer, Tls::Unverified),
            ("?sslmode=prefer", SslMode::Prefer, Tls::Unverified),
            ("?sslmode=require", SslMode::Require, Tls::Unverified),
            ("?sslmode=verify-full", SslMode::Require, Tls::Verified { authorities: None }),
            (
                "?sslrootcert=%2Fca%20.pem&sslmode=verify-full",
                SslMode::Require,
                Tls::Verified { authorities: Some("/ca .pem".into()) },
            ),
        ] {
            let target = target(&format!("postgres://h/d{parameters}"));
            assert_eq!((target.postgres.get_ssl_mode(), target.tls), (mode, tls), "{parameters}");
        }
    }

    #[test]
    fn j03_each_of_several_hosts_is_a_target_that_has_to_take_writes() {
        for url in [
            "postgres://ann:p%40ss@one,two:6432,[::1]:7432/menjin?sslmode=require",
            "postgres://ann:p%40ss@one,two:6432,[::1]:7432/menjin?target_session_attrs=any",
        ] {
            let target = target(url);
            let places: Vec<_> = target.hosts.iter().map(host_names).collect();
            assert_eq!(places, ["one:5432", "two:6432", "::1:7432"], "{url}");
            for host in &target.hosts {
                assert_eq!(host.get_password(), Some(b"p@ss".as_slice()));
                assert_eq!(host.get_dbname(), Some("menjin"));
                assert_eq!(host.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
                assert_eq!(host.get_ssl_mode(), target.postgres.get_ssl_mode());
                assert_eq!(host.get_application_name(), Some("menjin"));
            }
        }
        let one = target("postgres://ann@one/menjin");
        assert_eq!(one.hosts.len(), 1);
        assert_eq!(one.hosts[0].get_target_session_attrs(), TargetSessionAttrs::Any);
    }

    #[test]
    fn j12_the_systems_authorities_are_named_as_libpq_does() {
        for parameters in ["sslrootcert=system", "sslmode=verify-full&sslrootcert=system"] {
            let target = target(&format!("postgres://h/d?{parameters}"));
            assert_eq!(target.tls, Tls::Verified { authorities: None }, "{parameters}");
            assert_eq!(target.postgres.get_ssl_mode(), SslMode::Require);
        }
        let weaker = "postgres://h/d?sslmode=require&sslrootcert=system";
        assert!(Target::parse(&weaker.into()).unwrap_err().contains("verify-full"));
    }

    #[test]
    fn j12_a_certificate_is_shown_with_its_key_and_over_tls() {
        let pair = "sslcert=%2Fown%20.pem&sslkey=/own.key";
        for mode in ["require", "verify-full"] {
            let target = target(&format!("postgres://h/d?{pair}&sslmode={mode}"));
            let own = Own { certificate: "/own .pem".into(), key: "/own.key".into() };
            assert_eq!(target.own, Some(own), "{mode}");
        }
        for (parameters, reason) in [
            ("sslmode=require&sslcert=/canary", "sslkey"),
            ("sslmode=require&sslkey=/canary", "sslcert"),
            (pair, "sslmode"),
            (&format!("sslmode=prefer&{pair}"), "sslmode"),
            (&format!("sslmode=disable&{pair}"), "sslmode"),
        ] {
            let error = Target::parse(&format!("postgres://h/d?{parameters}").into()).unwrap_err();
            assert!(error.contains(reason) && !error.contains("canary"), "{parameters}: {error}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_shown() {
        for url in [
            "mysql://canary@h/d",
            "host=h password=canary",
            "postgres://ann:canary@h:port/d",
            "postgres://ann:x?canary@h/d?canary",
            "postgres://ann:x@h/d?canary=1",
            "postgres://ann:x@h/d?sslmode=canary",
            "postgres://ann:x@h/d?sslmode=verify-ca",
            "postgres://ann:x@h/d?sslmode=require&sslrootcert=/canary",
            "postgres://ann:x@h/d?sslmode=verify-full&sslrootcert=%zz",
            "postgres:///canary",
        ] {
            let reason = Target::parse(&url.into()).unwrap_err();
            assert!(!reason.contains("canary"), "{url}: {reason}");
        }
    }
}
