//! Choosing what menjin runs on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use menjin_domain::common::{Causes, Clock};
use menjin_domain::credentials::PasswordHasher;
use menjin_domain::import::UserTables;
use menjin_domain::mail::Mailer;
use menjin_domain::passkeys::RelyingParty;
use menjin_domain::ports::Policy;
use menjin_domain::services::Services;
use menjin_infra_credentials::{AccessKey, AccessVerifier, HashingConfig, JwtConfig, PolicyConfig};
use menjin_infra_memory::MemoryCacheConfig;
#[cfg(feature = "redis")]
use menjin_infra_redis::RedisConfig;
use secrecy::SecretString;
use tokio::runtime::Handle;

use crate::menjin::{Held, Menjin};
use crate::secret_file::read_or_make;
use crate::wiring::{Choices, Wired, wire};
use crate::{BuildError, Database, Maintenance, Store};

/// What menjin runs on. [`Menjin::builder`] makes one; a database and a secret have to be named, and
/// everything else has a default.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// use menjin::{Menjin, Policy};
///
/// let mut policy = Policy::default();
/// policy.access_ttl = std::time::Duration::from_secs(5 * 60);
/// let menjin = Menjin::builder()
///     .sqlite(folder.path().join("accounts.db"))
///     .secret_file(folder.path().join("auth.secret"))
///     .policy(policy)
///     .build()
///     .await?;
/// menjin.close(std::time::Duration::from_secs(1)).await?;
/// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[must_use = "nothing is built before `build`"]
pub struct Builder {
    source: Source,
    secret: Secret,
    older_secrets: Vec<SecretString>,
    access_key: Option<AccessKey>,
    other_access_keys: Vec<AccessVerifier>,
    issuer: String,
    audience: String,
    policy: Policy,
    maintenance: Option<Maintenance>,
    choices: Choices,
}

/// Where the data is to be.
enum Source {
    Nowhere,
    Database(Database),
    Open(Box<Store>),
}

/// Where the secret comes from.
enum Secret {
    None,
    Given(SecretString),
    File(PathBuf),
}

impl Secret {
    /// Blocks.
    fn read(self) -> Result<SecretString, BuildError> {
        match self {
            Self::None => Err(BuildError::NoSecret),
            Self::Given(secret) => Ok(secret),
            Self::File(path) => Ok(read_or_make(&path)?),
        }
    }
}

impl Menjin {
    /// Begins to choose what it runs on.
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl Builder {
    fn new() -> Self {
        Self {
            source: Source::Nowhere,
            secret: Secret::None,
            older_secrets: Vec::new(),
            access_key: None,
            other_access_keys: Vec::new(),
            issuer: "menjin".to_owned(),
            audience: "menjin".to_owned(),
            policy: Policy::default(),
            maintenance: Some(Maintenance::default()),
            choices: Choices::default(),
        }
    }

    /// Keeps the data in this file. It is made if it is not there yet (mode 0600), and so is its folder. One
    /// process at a time serves a file; for more, use [`postgres`](Self::postgres).
    #[cfg(feature = "sqlite-system")]
    pub fn sqlite(self, path: impl Into<PathBuf>) -> Self {
        self.database(Database::Sqlite(menjin_infra_sqlite::SqliteConfig::at(path)))
    }

    /// Keeps the data in the database of this URL: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. It has to be
    /// there; menjin makes its tables in it.
    #[cfg(feature = "postgres")]
    pub fn postgres(self, url: impl Into<SecretString>) -> Self {
        self.database(Database::Postgres(menjin_infra_postgres::PostgresConfig::at(url)))
    }

    /// Keeps the data there: like [`sqlite`](Self::sqlite) and [`postgres`](Self::postgres), with a
    /// configuration of its own.
    pub fn database(self, database: Database) -> Self {
        Self { source: Source::Database(database), ..self }
    }

    /// Uses a store that is open: one of your own ([`Store::of`]), or one that others use as well.
    pub fn store(self, store: impl Into<Store>) -> Self {
        Self { source: Source::Open(Box::new(store.into())), ..self }
    }

    /// Keeps the secret that tokens are signed with in this file. It is made if it is not there yet, and only
    /// its owner may read it. Replicas need the same secret: give each a copy of the file, or use
    /// [`secret`](Self::secret).
    pub fn secret_file(self, path: impl Into<PathBuf>) -> Self {
        Self { secret: Secret::File(path.into()), ..self }
    }

    /// Signs tokens with this secret: at least 32 random bytes, such as from `openssl rand -hex 32`. Whoever
    /// knows it can log in as anybody.
    pub fn secret(self, secret: impl Into<SecretString>) -> Self {
        Self { secret: Secret::Given(secret.into()), ..self }
    }

    /// Accepts tokens that were signed with these, and reads what was encrypted with them. So a secret is
    /// changed without logging anybody out.
    pub fn older_secrets(self, secrets: Vec<SecretString>) -> Self {
        Self { older_secrets: secrets, ..self }
    }

    /// Signs access tokens with this key, so that other services can verify them with its public half
    /// ([`Services::public_keys`]); `None`: with HS256 and the secret. Tokens of the others are accepted, too.
    pub fn access_keys(
        self,
        key: impl Into<Option<AccessKey>>,
        others: Vec<AccessVerifier>,
    ) -> Self {
        Self { access_key: key.into(), other_access_keys: others, ..self }
    }

    /// `iss` and `aud` of tokens; both are `menjin` otherwise.
    pub fn issuer_and_audience(
        self,
        issuer: impl Into<String>,
        audience: impl Into<String>,
    ) -> Self {
        Self { issuer: issuer.into(), audience: audience.into(), ..self }
    }

    /// What can be decided about the use-cases: lifetimes, limits, roles, who may register.
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// What authenticator apps show beside the name of a user; `menjin` otherwise.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.choices.name = name.into();
        self
    }

    /// How passwords are hashed.
    pub fn hashing(mut self, config: HashingConfig) -> Self {
        self.choices.hashing = config;
        self
    }

    /// Hashes passwords with this, in place of bcrypt on threads of its own.
    pub fn hasher(mut self, hasher: Arc<dyn PasswordHasher>) -> Self {
        self.choices.hasher = Some(hasher);
        self
    }

    /// Which passwords are refused; the 100 most common ones otherwise.
    pub fn passwords(mut self, rules: PolicyConfig) -> Self {
        self.choices.passwords = rules;
        self
    }

    /// What time it is; the system's clock otherwise.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.choices.clock = clock;
        self
    }

    /// Shares the cache, the limits per network and the ends of sessions with other replicas.
    #[cfg(feature = "redis")]
    pub fn redis(mut self, config: RedisConfig) -> Self {
        self.choices.redis = Some(config);
        self
    }

    /// How long a session that was looked up may be used again without another look; 1 s otherwise. What this
    /// process changes is seen at once, and so is what others change and tell over Redis.
    pub fn session_cache_ttl(mut self, ttl: Duration) -> Self {
        self.choices.session_cache_ttl = ttl;
        self
    }

    /// How much the cache for clients may hold without Redis.
    pub fn cache(mut self, config: MemoryCacheConfig) -> Self {
        self.choices.cache = config;
        self
    }

    /// How many audit records of failures may wait to be written; 1024 otherwise. Records of changes never
    /// wait: they are written with the change.
    pub fn audit_queue(mut self, length: usize) -> Self {
        self.choices.audit_queue = length;
        self
    }

    /// Lets users log in with passkeys of this site (WebAuthn). Without it there are none: a passkey is bound to
    /// the name of a site.
    ///
    /// ```
    /// use menjin::Menjin;
    /// use menjin::passkeys::RelyingParty;
    ///
    /// let builder = Menjin::builder().passkeys(RelyingParty {
    ///     id: "example.com".to_owned(),
    ///     name: "Example".to_owned(),
    ///     origins: vec!["https://app.example.com".to_owned()],
    /// });
    /// # drop(builder);
    /// ```
    ///
    /// `begin_passkey`, `add_passkey` and `login_with_passkey` take and give what a browser's
    /// `navigator.credentials` takes and gives.
    pub fn passkeys(mut self, party: impl Into<Option<RelyingParty>>) -> Self {
        self.choices.passkeys = party.into();
        self
    }

    /// Sends mails with this. Set [`Policy::mail`], too: it says where links lead.
    pub fn mailer(mut self, mailer: Arc<dyn Mailer>) -> Self {
        self.choices.mailer = Some(mailer);
        self
    }

    /// Reads tables of users with this, for imports that run as jobs.
    pub fn tables(mut self, tables: Arc<dyn UserTables>) -> Self {
        self.choices.tables = tables;
        self
    }

    /// How often menjin cleans up, and looks for jobs and mails. `None`: never by itself. Then call
    /// [`Menjin::start_maintenance`] in one of the processes.
    pub fn maintenance(self, every: impl Into<Option<Maintenance>>) -> Self {
        Self { maintenance: every.into(), ..self }
    }

    /// For a program that runs beside the servers of the same database, such as a command-line tool: it claims
    /// no file, keeps nothing of sessions, and cleans nothing up. What it changes in a file, the server sees
    /// after its `session_cache_ttl` at the latest.
    pub fn beside_servers(mut self) -> Self {
        self.choices.is_beside_servers = true;
        self.maintenance(None)
    }

    /// Opens the database, makes what is missing, and starts the threads and tasks. Call it on a tokio runtime
    /// that lasts as long as menjin.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn build(self) -> Result<Menjin, BuildError> {
        let Self { source, secret, maintenance, choices, .. } = self;
        let policy = self.policy;
        let mut claim = None;
        let store = match source {
            Source::Nowhere => return Err(BuildError::NoDatabase),
            Source::Database(database) => {
                if !choices.is_beside_servers {
                    claim = database.claim().await?;
                }
                Store::open(database).await?
            }
            Source::Open(store) => *store,
        };
        let (access_ttl, refresh_ttl) = (policy.access_ttl, policy.session_ttl);
        // The lifetimes are those of the policy, and the secret is read where it may block.
        let tokens = move |secret| JwtConfig {
            secret,
            verify_only_secrets: self.older_secrets,
            access_key: self.access_key,
            verify_only_access_keys: self.other_access_keys,
            issuer: self.issuer,
            audience: self.audience,
            access_ttl,
            refresh_ttl,
        };
        let (runtime, opened) = (Handle::current(), store.clone());
        // Hashing the dummy password blocks, too.
        let work = move || {
            let _on = runtime.enter();
            wire(choices, &opened, tokens(secret.read()?))
        };
        let wired = tokio::task::spawn_blocking(work).await.map_err(BuildError::Panicked)??;
        let Wired { ports, trail, subscription, cache } = wired;
        if let Err(error) = cache.check().await {
            tracing::warn!(error = %Causes(&error), "the cache does not work: starting without it");
        }
        let services = Arc::new(Services::new(ports, &policy));
        let menjin = Menjin::new(services, Held { store, trail, subscription, claim });
        if let Some(every) = maintenance {
            menjin.start_maintenance(every);
        }
        Ok(menjin)
    }
}
