//! What `menjin users …` works on, while the server runs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use menjin::Store;
use menjin_domain::accounts::{
    AccountRepository, ChangeUser, LoginName, Role, SearchTerm, User, UserFilter,
};
use menjin_domain::credentials::{FirstPasswords, NewPassword};
use menjin_domain::mfa::RemoveFactor;
use menjin_infra_credentials::OsRandom;
use menjin_infra_memory::AuditQueue;
use secrecy::ExposeSecret as _;

use crate::admin::password_from_stdin;
use crate::application::{BesideServers, beside_servers, hasher, password_policy};
use crate::cli::{FilterArgs, PasswordArgs};
use crate::mail;
use crate::settings::Settings;
use crate::store;

/// How long the records of failures may take to be written.
const RECORDS: Duration = Duration::from_secs(2);

/// What the commands work on.
pub(crate) struct Office {
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) accounts: Arc<dyn AccountRepository>,
    pub(crate) change: ChangeUser,
    pub(crate) remove_factor: RemoveFactor,
    pub(crate) trail: Arc<AuditQueue>,
}

impl Office {
    pub(crate) async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let store = store::open_existing(settings).await?;
        let BesideServers { accounts, factors } = beside_servers(settings, &store)?;
        let trail = Arc::new(AuditQueue::start(store.audit_records.clone(), settings.audit.queue));
        let change = ChangeUser::standalone(
            accounts.clone(),
            mail::post(settings)?,
            trail.clone(),
            settings.accounts.delete_grace,
        );
        let post = mail::post(settings)?;
        let remove_factor = RemoveFactor::standalone(accounts.clone(), factors, post);
        Ok(Self { settings: settings.clone(), store, accounts, change, remove_factor, trail })
    }

    /// The user of this name or address.
    pub(crate) async fn user(&self, name: &str) -> anyhow::Result<User> {
        let parsed = LoginName::parse(name).context("the name")?;
        let found = self.store.one_time_tokens.find_recipient(&parsed).await?;
        let found = found.with_context(|| format!("nobody has the name or address {name:?}"))?;
        Ok(found.user)
    }

    pub(crate) fn role(&self, name: &str) -> anyhow::Result<Role> {
        let roles = self.settings.roles()?;
        let known = || roles.all().map(|role| role.to_string()).collect::<Vec<_>>().join(", ");
        let role = name.parse().ok().filter(|role| roles.knows(*role));
        role.with_context(|| format!("the role: one of {}", known()))
    }

    /// Which users are meant.
    pub(crate) fn filter(&self, args: &FilterArgs) -> anyhow::Result<UserFilter> {
        let term = args.search.as_deref().map(SearchTerm::parse).transpose().context("--search")?;
        Ok(UserFilter {
            term: term.flatten(),
            role: args.role.as_deref().map(|role| self.role(role)).transpose()?,
            is_active: args.active,
            is_verified: args.verified,
            ..UserFilter::default()
        }
        .in_attributes(&self.settings.attributes()?))
    }

    pub(crate) fn passwords(&self) -> anyhow::Result<FirstPasswords> {
        let settings = &self.settings;
        let policy = Arc::new(password_policy(settings));
        let hasher = Arc::new(hasher(settings)?);
        let ttl = settings.password.initial_ttl;
        Ok(FirstPasswords::standalone(Arc::new(OsRandom), policy, hasher, ttl))
    }

    pub(crate) fn given(&self, args: &PasswordArgs) -> anyhow::Result<Option<NewPassword>> {
        if !args.password_stdin {
            return Ok(None);
        }
        let typed = password_from_stdin()?;
        let length = self.settings.password.length();
        Ok(Some(NewPassword::parse(typed.expose_secret(), length).context("the password")?))
    }

    /// Writes the records of failures that still wait.
    pub(crate) async fn close(self) {
        self.trail.close(RECORDS).await;
    }
}
