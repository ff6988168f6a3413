//! Showing the settings that hold.

use std::fmt::{self, Display};

use humantime::format_duration as time;
use secrecy::ExposeSecret as _;

use super::mask::masked;
use super::{Database, LimitSettings, Settings, keys};

/// TOML that could be read back, but for the secrets.
impl Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let environment = if self.production { "production" } else { "development" };
        writeln!(f, "# environment: {environment}\n")?;
        self.fmt_connections(f)?;
        self.fmt_rules(f)?;
        self.fmt_rest(f)
    }
}

impl Settings {
    fn fmt_connections(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (server, auth) = (&self.server, &self.auth);
        let proxies: Vec<String> =
            server.trusted_proxies.iter().map(|network| network.0.to_string()).collect();
        let secret = if auth.secret.expose_secret().is_empty() { "" } else { "***" };
        writeln!(f, "[server]")?;
        writeln!(f, "host = \"{}\"", server.host)?;
        writeln!(f, "port = {}", server.port)?;
        writeln!(f, "workers = {}", server.workers)?;
        writeln!(f, "trusted_proxies = {proxies:?}")?;
        writeln!(f, "shutdown_timeout = \"{}\"", time(server.shutdown_timeout))?;
        let cors = &self.cors;
        let origins: Vec<String> = cors.origins.iter().map(ToString::to_string).collect();
        writeln!(f, "\n[cors]\norigins = {origins:?}\ncredentials = {}", cors.credentials)?;
        writeln!(f, "max_age = \"{}\"", time(cors.max_age))?;
        self.fmt_database(f)?;
        self.fmt_redis(f)?;
        let others = vec!["***"; auth.verify_only_secrets.len()];
        writeln!(f, "\n[auth]\nsecret = {secret:?}\nverify_only_secrets = {others:?}")?;
        let others = auth.verify_only_access_keys.iter().map(|key| keys::masked(&key.0));
        let others: Vec<&str> = others.collect();
        writeln!(f, "access_key = {:?}", keys::masked(&auth.access_key))?;
        writeln!(f, "verify_only_access_keys = {others:?}")?;
        writeln!(f, "issuer = {:?}\naudience = {:?}", auth.issuer, auth.audience)?;
        writeln!(f, "access_ttl = \"{}\"", time(auth.access_ttl))?;
        writeln!(f, "refresh_ttl = \"{}\"", time(auth.refresh_ttl))?;
        writeln!(f, "refresh_grace = \"{}\"", time(auth.refresh_grace))?;
        writeln!(f, "session_cache_ttl = \"{}\"", time(auth.session_cache_ttl))
    }

    fn fmt_redis(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redis = &self.redis;
        let mode = format!("{:?}", redis.mode).to_lowercase();
        let nodes: Vec<String> = redis.nodes.iter().map(ToString::to_string).collect();
        writeln!(f, "\n[redis]\nurl = {:?}\nmode = {mode:?}", redis.masked_url())?;
        writeln!(f, "nodes = {nodes:?}\nmaster_name = {:?}", redis.master_name)?;
        writeln!(f, "namespace = {:?}\npool_size = {}", redis.namespace, redis.pool_size)?;
        writeln!(f, "timeout = \"{}\"", time(redis.timeout))
    }

    fn fmt_database(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = &self.database;
        let url = match self.database() {
            Ok(Database::Postgres(_)) => masked(database.url.expose_secret()),
            _ => database.url.expose_secret().to_owned(),
        };
        writeln!(f, "\n[database]\nurl = {url:?}\npool_size = {}", database.pool_size)?;
        writeln!(f, "acquire_timeout = \"{}\"", time(database.acquire_timeout))?;
        writeln!(f, "statement_timeout = \"{}\"", time(database.statement_timeout))?;
        writeln!(f, "prepared_statements = {}", database.prepared_statements)
    }

    fn fmt_rules(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hashing, password, throttle) = (&self.hashing, &self.password, &self.throttle);
        let engine = format!("{:?}", hashing.engine).to_lowercase();
        writeln!(f, "\n[hashing]\ncost = {}\nengine = {engine:?}", hashing.cost)?;
        writeln!(f, "lanes = {}\nthreads = {}", hashing.lanes, hashing.threads)?;
        writeln!(f, "queue = {}\nmax_wait = \"{}\"", hashing.queue, time(hashing.max_wait))?;
        writeln!(f, "\n[password]\nmin_length = {}", password.min_length)?;
        writeln!(f, "envelope_min_length = {}", password.envelope_min_length)?;
        writeln!(f, "envelope_policy = {}", password.envelope_policy)?;
        writeln!(
            f,
            "refuse_common = {}\nmin_score = {}",
            password.refuse_common, password.min_score
        )?;
        writeln!(f, "exceptions = {:?}", password.exceptions)?;
        writeln!(f, "\n[throttle]\nenabled = {}", throttle.enabled)?;
        for (name, limit) in [
            ("per_client", &throttle.per_client),
            ("per_account", &throttle.per_account),
            ("per_network", &throttle.per_network),
            ("registrations", &throttle.registrations),
        ] {
            let LimitSettings { max, window } = limit;
            writeln!(f, "{name} = {{ max = {max}, window = \"{}\" }}", time(*window))?;
        }
        Ok(())
    }

    fn fmt_rest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = format!("{:?}", self.log.format).to_lowercase();
        writeln!(f, "\n[registration]\ndefault_role = {:?}", self.registration.default_role)?;
        writeln!(f, "\n[audit]\nrefreshes = {}", self.audit.refreshes)?;
        writeln!(f, "queue = {}\nkeep = \"{}\"", self.audit.queue, time(self.audit.keep))?;
        writeln!(f, "\n[cache_api]\naccess = {:?}", self.cache_api.access)?;
        writeln!(f, "\n[cache]\nmax_bytes = {}", self.cache.max_bytes)?;
        writeln!(f, "\n[locale]\ndefault = {:?}", self.locale.default)?;
        writeln!(f, "\n[log]\nformat = {format:?}\nlevel = {:?}", self.log.level)?;
        let listen = self.metrics.listen.map(|address| address.to_string()).unwrap_or_default();
        writeln!(f, "\n[metrics]\nlisten = {listen:?}")?;
        writeln!(f, "\n[tidy]\nevery = \"{}\"", time(self.tidy.every))?;
        writeln!(f, "keep_sessions = \"{}\"", time(self.tidy.keep_sessions))
    }
}
