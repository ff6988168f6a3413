//! The settings. `config/default.toml` documents each of them.

mod keys;
mod load;
mod mask;
mod print;
mod redis;
mod validate;

use std::convert::Infallible;
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use menjin_api::Origin;
use menjin_infra_postgres::PostgresConfig;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};

pub use keys::AccessKeys;
pub use load::Sources;
pub use redis::{Node, RedisMode};

/// Why the settings do not hold. Each names the setting at fault.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file cannot be read or is no TOML.
    #[error("settings: {0}")]
    Unreadable(String),
    /// A setting that there is not.
    #[error("settings: unknown setting `{}`; see config/default.toml for all there are", .names.join("`, `"))]
    Unknown {
        /// Their names.
        names: Vec<String>,
    },
    /// A setting of a wrong type or an impossible value.
    #[error("settings: `{name}`: {reason}")]
    Bad {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A flag that is no assignment.
    #[error("settings: --set {flag}: write it as section.key=value")]
    BadFlag {
        /// The flag.
        flag: String,
    },
    /// An environment variable that looks like a setting but is none.
    #[error(
        "settings: environment variable {name} is not known; settings are written MENJIN__SECTION__KEY"
    )]
    UnknownVariable {
        /// Its name.
        name: String,
    },
}

impl SettingsError {
    pub(crate) fn bad(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Bad { name: name.into(), reason: reason.into() }
    }
}

/// All settings, valid on their own and together.
#[derive(Debug, Clone, Deserialize)]
#[expect(missing_docs, reason = "config/default.toml documents each setting, once")]
pub struct Settings {
    /// Whether this is production; from `--env`, not from a file.
    #[serde(skip)]
    pub production: bool,
    pub server: ServerSettings,
    pub cors: CorsSettings,
    pub database: DatabaseSettings,
    pub redis: RedisSettings,
    pub auth: AuthSettings,
    pub hashing: HashingSettings,
    pub password: PasswordSettings,
    pub throttle: ThrottleSettings,
    pub registration: RegistrationSettings,
    pub audit: AuditSettings,
    pub cache_api: CacheApiSettings,
    pub cache: CacheSettings,
    pub locale: LocaleSettings,
    pub log: LogSettings,
    pub metrics: MetricsSettings,
    pub tidy: TidySettings,
}

macro_rules! sections {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Deserialize)]
        #[expect(missing_docs, reason = "config/default.toml documents each setting, once")]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }
    )*};
}

sections! {
    /// `[server]`
    ServerSettings {
        host: IpAddr,
        port: u16,
        workers: usize,
        #[serde(deserialize_with = "list")]
        trusted_proxies: Vec<Network>,
        #[serde(with = "humantime_serde")]
        shutdown_timeout: Duration,
    }
    /// `[cors]`
    CorsSettings {
        #[serde(deserialize_with = "list")]
        origins: Vec<Origin>,
        credentials: bool,
        #[serde(with = "humantime_serde")]
        max_age: Duration,
    }
    /// `[database]`
    DatabaseSettings {
        url: SecretString,
        pool_size: usize,
        #[serde(with = "humantime_serde")]
        acquire_timeout: Duration,
        #[serde(with = "humantime_serde")]
        statement_timeout: Duration,
        prepared_statements: bool,
    }
    /// `[redis]`
    RedisSettings {
        url: SecretString,
        #[serde(deserialize_with = "parsed")]
        mode: RedisMode,
        #[serde(deserialize_with = "list")]
        nodes: Vec<redis::Node>,
        master_name: String,
        namespace: String,
        pool_size: usize,
        #[serde(with = "humantime_serde")]
        timeout: Duration,
    }
    /// `[auth]`
    AuthSettings {
        #[serde(deserialize_with = "trimmed")]
        secret: SecretString,
        #[serde(deserialize_with = "list")]
        verify_only_secrets: Vec<Secret>,
        #[serde(deserialize_with = "trimmed")]
        access_key: SecretString,
        #[serde(deserialize_with = "list")]
        verify_only_access_keys: Vec<Secret>,
        issuer: String,
        audience: String,
        #[serde(with = "humantime_serde")]
        access_ttl: Duration,
        #[serde(with = "humantime_serde")]
        refresh_ttl: Duration,
        #[serde(with = "humantime_serde")]
        refresh_grace: Duration,
        #[serde(with = "humantime_serde")]
        session_cache_ttl: Duration,
    }
    /// `[hashing]`
    HashingSettings {
        cost: u32,
        #[serde(deserialize_with = "parsed")]
        engine: Engine,
        lanes: usize,
        threads: usize,
        queue: usize,
        #[serde(with = "humantime_serde")]
        max_wait: Duration,
    }
    /// `[password]`
    PasswordSettings {
        min_length: usize,
        envelope_min_length: usize,
        envelope_policy: bool,
        refuse_common: usize,
        min_score: u8,
        #[serde(deserialize_with = "list")]
        exceptions: Vec<String>,
    }
    /// `[throttle]`
    ThrottleSettings {
        enabled: bool,
        per_client: LimitSettings,
        per_account: LimitSettings,
        per_network: LimitSettings,
        registrations: LimitSettings,
    }
    /// A limit: `{ max = 10, window = "15m" }`
    LimitSettings {
        max: u32,
        #[serde(with = "humantime_serde")]
        window: Duration,
    }
    /// `[registration]`
    RegistrationSettings {
        default_role: String,
    }
    /// `[audit]`
    AuditSettings {
        refreshes: bool,
        queue: usize,
        #[serde(with = "humantime_serde")]
        keep: Duration,
    }
    /// `[cache_api]`
    CacheApiSettings {
        access: String,
    }
    /// `[cache]`
    CacheSettings {
        max_bytes: u64,
    }
    /// `[locale]`
    LocaleSettings {
        default: String,
    }
    /// `[log]`
    LogSettings {
        #[serde(deserialize_with = "parsed")]
        format: LogFormat,
        level: String,
    }
    /// `[metrics]`
    MetricsSettings {
        #[serde(deserialize_with = "parsed_if_any")]
        listen: Option<SocketAddr>,
    }
    /// `[tidy]`
    TidySettings {
        #[serde(with = "humantime_serde")]
        every: Duration,
        #[serde(with = "humantime_serde")]
        keep_sessions: Duration,
    }
}

/// An item of a list of secrets. It does not print.
#[derive(Debug, Clone)]
pub struct Secret(pub SecretString);

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.into()))
    }
}

/// How bcrypt is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The fastest there is.
    Auto,
    /// Several hashes at once on each thread.
    Lanes,
    /// One hash after the other on each thread.
    Plain,
}

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl FromStr for Engine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "lanes" => Ok(Self::Lanes),
            "plain" => Ok(Self::Plain),
            other => Err(format!("{other:?} is not auto, lanes or plain")),
        }
    }
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("{other:?} is not auto, text or json")),
        }
    }
}

/// A network as `192.0.2.0/24`, or an address alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(pub IpNet);

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let network =
            text.parse::<IpNet>().or_else(|_no_prefix| text.parse::<IpAddr>().map(IpNet::from));
        network.map(Self).map_err(|_neither| "not an address or a network like 192.0.2.0/24".into())
    }
}

/// Which database `database.url` names.
#[derive(Debug, Clone)]
pub enum Database {
    /// A file.
    Sqlite(PathBuf),
    /// A server.
    Postgres(PostgresConfig),
}

impl Settings {
    /// The database that `[database]` describes.
    ///
    /// # Errors
    /// The URL is of another kind, or cannot be read.
    pub fn database(&self) -> Result<Database, SettingsError> {
        validate::database("database.url", &self.database)
    }

    /// The database at another URL, which the argument of this name gave, used as `[database]` says.
    ///
    /// # Errors
    /// The URL is of another kind, or cannot be read.
    pub fn database_at(&self, name: &str, url: SecretString) -> Result<Database, SettingsError> {
        validate::database(name, &DatabaseSettings { url, ..self.database.clone() })
    }
}

/// A text that a type parses itself, with a complaint that says what it would take.
fn parsed<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr,
    T::Err: Display,
    D: Deserializer<'de>,
{
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// The same, of a text that may be empty.
fn parsed_if_any<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr,
    T::Err: Display,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    let parsed = (!text.is_empty()).then(|| text.parse()).transpose();
    parsed.map_err(|error| serde::de::Error::custom(format!("{text:?}: {error}")))
}

/// A secret without the line break that files end with: alone or in a list, it is the same one.
fn trimmed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    SecretString::deserialize(deserializer).map(|secret| secret.expose_secret().trim().into())
}

/// A list, or a text with commas: the environment has no lists.
fn list<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: FromStr,
    T::Err: Display,
    D: Deserializer<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        List(Vec<String>),
    }
    let items = match Written::deserialize(deserializer)? {
        Written::Text(text) => text.split(',').map(str::to_owned).collect(),
        Written::List(items) => items,
    };
    let parse = |item: &String| {
        item.trim().parse().map_err(|error| serde::de::Error::custom(format!("{item:?}: {error}")))
    };
    items.iter().filter(|item| !item.trim().is_empty()).map(parse).collect()
}
