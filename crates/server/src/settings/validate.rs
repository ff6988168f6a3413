//! What must hold of settings beyond their types.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use menjin_api::{Locale, Origin};
use menjin_domain::accounts::{RegistrableRole, Role};
use menjin_domain::cache::CacheAccess;
use menjin_domain::credentials::NewPassword;
use menjin_infra_credentials::HashingConfig;
use menjin_infra_postgres::PostgresConfig;
use secrecy::ExposeSecret as _;

use super::{Database, DatabaseSettings, LimitSettings, Settings, SettingsError, TlsSettings};

/// The fewest bytes of a signing secret: the size of HS256's digest (RFC 7518 §3.2).
const MIN_SECRET_BYTES: usize = 32;
/// The lowest cost outside of tests (OWASP Password Storage: 10 or more).
const MIN_PRODUCTION_COST: u32 = 10;

impl Settings {
    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        self.validate_server()?;
        self.validate_cors()?;
        self.validate_database()?;
        self.redis.config()?;
        self.validate_auth()?;
        self.validate_hashing()?;
        self.validate_password()?;
        self.validate_audit()?;
        for (name, limit) in [
            ("per_client", self.throttle.per_client.clone()),
            ("per_account", self.throttle.per_account.clone()),
            ("per_network", self.throttle.per_network.clone()),
            ("registrations", self.throttle.registrations.clone()),
        ] {
            validate_limit(name, &limit)?;
        }
        self.default_role()?;
        self.cache_access()?;
        self.locale()?;
        require("cache.max_bytes", self.cache.max_bytes >= 1 << 20, || {
            "at least 1048576 (1 MiB)".into()
        })?;
        positive("tidy.every", self.tidy.every)?;
        self.log.level.parse::<tracing_subscriber::EnvFilter>().map(drop).map_err(|error| {
            SettingsError::bad("log.level", format!("{:?}: {error}", self.log.level))
        })
    }

    fn validate_server(&self) -> Result<(), SettingsError> {
        let (server, tls) = (&self.server, &self.server.tls);
        require("server.workers", server.workers <= 512, || "at most 512".into())?;
        positive("server.shutdown_timeout", server.shutdown_timeout)?;
        let own = SocketAddr::new(server.host, server.port);
        let taken = self.metrics.listen.is_some_and(|listen| listen == own && listen.port() != 0);
        require("metrics.listen", !taken, || "server.host and server.port are there".into())?;
        let has_key = !tls.key.as_os_str().is_empty();
        require("server.tls.key", has_key || !tls.is_on(), || {
            "required with server.tls.certificate".into()
        })?;
        require("server.tls.certificate", tls.is_on() || !has_key, || {
            "required with server.tls.key".into()
        })?;
        let least = TlsSettings::MIN_CHECK_EVERY;
        require("server.tls.check_every", tls.check_every >= least, || "at least 10ms".into())
    }

    fn validate_cors(&self) -> Result<(), SettingsError> {
        let cors = &self.cors;
        let any = cors.origins.iter().any(Origin::is_any);
        require("cors.origins", !any || cors.origins.len() == 1, || {
            "* leaves nothing for others to add".into()
        })?;
        require("cors.credentials", !(any && cors.credentials), || {
            "not with cors.origins = *: any page could act as its visitor".into()
        })?;
        let day = Duration::from_secs(24 * 60 * 60);
        require("cors.max_age", cors.max_age <= day, || {
            "at most 24h: browsers remember nothing for longer".into()
        })
    }

    fn validate_database(&self) -> Result<(), SettingsError> {
        let database = &self.database;
        self.database()?;
        require("database.pool_size", (1..=1000).contains(&database.pool_size), || {
            format!("{} is not between 1 and 1000", database.pool_size)
        })?;
        for (name, timeout, max) in [
            ("acquire_timeout", database.acquire_timeout, PostgresConfig::MAX_ACQUIRE_TIMEOUT),
            (
                "statement_timeout",
                database.statement_timeout,
                PostgresConfig::MAX_STATEMENT_TIMEOUT,
            ),
        ] {
            let bounds = Duration::from_millis(10)..=max;
            require(&format!("database.{name}"), bounds.contains(&timeout), || {
                let max = humantime::format_duration(max);
                format!("from 10ms to {max}: every call is answered within three seconds")
            })?;
        }
        Ok(())
    }

    fn validate_auth(&self) -> Result<(), SettingsError> {
        let auth = &self.auth;
        let secret = auth.secret.expose_secret();
        require("auth.secret", !(secret.is_empty() && self.production), || {
            format!(
                "required in production: at least {MIN_SECRET_BYTES} random bytes, such as from `openssl rand -hex 32`"
            )
        })?;
        let has_folder = matches!(self.database()?, Database::Sqlite(_));
        require("auth.secret", !secret.is_empty() || has_folder, || {
            format!(
                "required with PostgreSQL, where there is no folder to keep one in: at least {MIN_SECRET_BYTES} random bytes, the same for all replicas, such as from `openssl rand -hex 32`"
            )
        })?;
        self.validate_secrets()?;
        auth.access_keys()?;
        require("auth.issuer", !auth.issuer.is_empty(), || "must not be empty".into())?;
        require("auth.audience", !auth.audience.is_empty(), || "must not be empty".into())?;
        at_least_a_second("auth.access_ttl", auth.access_ttl)?;
        at_least_a_second("auth.refresh_ttl", auth.refresh_ttl)?;
        let minute = Duration::from_secs(60);
        require("auth.session_cache_ttl", auth.session_cache_ttl <= minute, || {
            "at most 1m: for so long a change made elsewhere can go unseen".into()
        })?;
        require("auth.access_ttl", auth.access_ttl <= auth.refresh_ttl, || {
            "must not be longer than auth.refresh_ttl".into()
        })?;
        let years = Duration::from_secs(10 * 365 * 24 * 60 * 60);
        require("auth.refresh_ttl", auth.refresh_ttl <= years, || "at most ten years".into())
    }

    /// Each secret is long enough, and serves one purpose.
    fn validate_secrets(&self) -> Result<(), SettingsError> {
        let own = Some(("auth.secret", &self.auth.secret));
        let own = own.filter(|(_, secret)| !secret.expose_secret().is_empty());
        let others = self.auth.verify_only_secrets.iter();
        let others = others.map(|secret| ("auth.verify_only_secrets", &secret.0));
        let mut seen = Vec::new();
        for (name, secret) in own.into_iter().chain(others) {
            let secret = secret.expose_secret();
            require(name, secret.len() >= MIN_SECRET_BYTES, || {
                format!("{} bytes are too few: at least {MIN_SECRET_BYTES}", secret.len())
            })?;
            let urls = [&self.database.url, &self.redis.url];
            let twice = seen.contains(&secret)
                || urls.iter().any(|url| url.expose_secret().contains(secret));
            require(name, !twice, || "a secret is used twice: each needs its own".into())?;
            seen.push(secret);
        }
        Ok(())
    }

    fn validate_hashing(&self) -> Result<(), SettingsError> {
        let hashing = &self.hashing;
        require("hashing.cost", (4..=16).contains(&hashing.cost), || {
            format!("{} is not between 4 and 16", hashing.cost)
        })?;
        require("hashing.cost", !self.production || hashing.cost >= MIN_PRODUCTION_COST, || {
            format!("{} is too low for production: at least {MIN_PRODUCTION_COST}", hashing.cost)
        })?;
        let lanes = HashingConfig::MAX_LANES;
        require("hashing.lanes", hashing.lanes <= lanes, || {
            format!("{} is not between 0 and {lanes}", hashing.lanes)
        })?;
        require("hashing.queue", hashing.queue >= 1, || "at least 1".into())?;
        let bounds = Duration::from_millis(100)..=Duration::from_secs(60);
        require("hashing.max_wait", bounds.contains(&hashing.max_wait), || {
            "it must be between 100ms and 1m".into()
        })
    }

    fn validate_password(&self) -> Result<(), SettingsError> {
        let password = &self.password;
        let max = NewPassword::MAX_BYTES;
        require("password.min_length", (1..=max).contains(&password.min_length), || {
            format!("{} is not between 1 and {max}", password.min_length)
        })?;
        let envelope = password.envelope_min_length;
        require("password.envelope_min_length", (1..=20).contains(&envelope), || {
            format!("{envelope} is not between 1 and 20")
        })?;
        require("password.min_score", password.min_score <= 4, || {
            format!("{} is not between 0 and 4", password.min_score)
        })
    }

    fn validate_audit(&self) -> Result<(), SettingsError> {
        let audit = &self.audit;
        require("audit.queue", (1..=1_000_000).contains(&audit.queue), || {
            format!("{} is not between 1 and 1000000", audit.queue)
        })?;
        at_least_a_second("audit.keep", audit.keep)?;
        let centuries = Duration::from_secs(200 * 365 * 24 * 60 * 60);
        require("audit.keep", audit.keep <= centuries, || "at most 200 years".into())
    }

    /// `registration.default_role`
    pub(crate) fn default_role(&self) -> Result<RegistrableRole, SettingsError> {
        let text = &self.registration.default_role;
        let role = text.parse::<Role>().ok().and_then(|role| RegistrableRole::try_from(role).ok());
        role.ok_or_else(|| {
            SettingsError::bad(
                "registration.default_role",
                format!("{text:?} is not student or teacher"),
            )
        })
    }

    /// `cache_api.access`
    pub(crate) fn cache_access(&self) -> Result<CacheAccess, SettingsError> {
        let text = &self.cache_api.access;
        text.parse().map_err(|error| {
            SettingsError::bad("cache_api.access", format!("{text:?} is not {error}"))
        })
    }

    /// `locale.default`
    pub(crate) fn locale(&self) -> Result<Locale, SettingsError> {
        let text = &self.locale.default;
        text.parse().map_err(|error| {
            SettingsError::bad("locale.default", format!("{text:?} is not {error}"))
        })
    }
}

fn require(name: &str, holds: bool, reason: impl FnOnce() -> String) -> Result<(), SettingsError> {
    if holds { Ok(()) } else { Err(SettingsError::bad(name, reason())) }
}

fn positive(name: &str, duration: Duration) -> Result<(), SettingsError> {
    require(name, !duration.is_zero(), || "must be longer than 0s".into())
}

fn at_least_a_second(name: &str, duration: Duration) -> Result<(), SettingsError> {
    require(name, duration >= Duration::from_secs(1), || "at least 1s".into())
}

fn validate_limit(name: &str, limit: &LimitSettings) -> Result<(), SettingsError> {
    require(&format!("throttle.{name}.max"), limit.max >= 1, || {
        "at least 1; throttle.enabled = false turns limits off".into()
    })?;
    at_least_a_second(&format!("throttle.{name}.window"), limit.window)
}

/// The database of a URL, which the setting or argument of this name has. What cannot be read is not shown: it may hold a password.
pub(super) fn database(name: &str, settings: &DatabaseSettings) -> Result<Database, SettingsError> {
    let bad = |reason: &str| SettingsError::bad(name, reason);
    let url = settings.url.expose_secret();
    match url.split_once("://") {
        Some(("sqlite", "")) => Err(bad("a path must follow sqlite://")),
        Some(("sqlite", path)) => Ok(Database::Sqlite(PathBuf::from(path))),
        Some(("postgres" | "postgresql", _)) => {
            PostgresConfig::check_url(url).map_err(bad)?;
            Ok(Database::Postgres(PostgresConfig {
                url: settings.url.clone(),
                pool_size: settings.pool_size,
                acquire_timeout: settings.acquire_timeout,
                statement_timeout: settings.statement_timeout,
                prepared_statements: settings.prepared_statements,
            }))
        }
        _ => Err(bad("write it as sqlite://PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE")),
    }
}
