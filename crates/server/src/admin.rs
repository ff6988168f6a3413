//! The commands besides `serve`.

use std::io::{BufRead as _, Write as _};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use menjin_domain::accounts::{
    AccountRepository, CreateAdminError, CreateAdminInput, CreateUserRefusal, Email, Role,
    UserQuery, Username, UsernameLength,
};
use menjin_domain::common::{Error, PageStart, PortError};
use menjin_domain::credentials::NewPassword;
use menjin_domain::mfa::{FactorPorts, ResealFactors};
use menjin_infra_credentials::DerivedKeys;
use secrecy::{ExposeSecret as _, SecretString};

use crate::application::create_admin;
use crate::audit;
use crate::cli::{CreateAdminArgs, Environment, ExportArgs};
use crate::secret;
use crate::settings::{DEFAULT, PRODUCTION, Settings, Writings};
use crate::store;

/// `menjin migrate`
pub(crate) fn migrate(settings: &Settings) -> anyhow::Result<()> {
    let (place, applied) = runtime()?.block_on(store::migrate(settings))?;
    let mut out = std::io::stdout().lock();
    if applied.is_empty() {
        writeln!(out, "{place}: nothing to do")?;
    }
    for name in applied {
        writeln!(out, "{place}: applied {name}")?;
    }
    Ok(())
}

/// `menjin config check`: the settings were checked when they were read.
pub(crate) fn check_config(settings: &Settings, writings: &Writings) -> anyhow::Result<()> {
    write!(std::io::stdout(), "{}", settings.to_toml(writings)?)?;
    // Whoever is about to take a secret away is told what would be lost. A database that is not there has
    // nothing to lose, and is no fault of the settings.
    if !settings.auth.verify_only_secrets().is_empty() {
        match runtime()?.block_on(needing_older_secrets(settings)) {
            Ok(accounts) => eprintln!(
                "menjin: {accounts} accounts have a second factor or recovery codes that need a secret of \
                 auth.verify_only_secrets"
            ),
            Err(error) => eprintln!(
                "menjin: not counted which second factors need a secret of auth.verify_only_secrets: {error:#}"
            ),
        }
    }
    Ok(())
}

/// How many accounts have a second factor or recovery codes that need an older secret.
async fn needing_older_secrets(settings: &Settings) -> anyhow::Result<u64> {
    let store = store::open_existing(settings).await?;
    let older = settings.auth.verify_only_secrets();
    let keys = DerivedKeys::new(&secret::signing_secret(settings)?, &older);
    let (sealer, factors) = (Arc::new(keys), store.factors.clone());
    let ports = FactorPorts { repository: factors, sealer, ..FactorPorts::none() };
    let left = ResealFactors::new(&ports).left().await;
    store.close().await?;
    Ok(left?)
}

/// `menjin config defaults`
pub(crate) fn print_defaults(environment: Environment) -> anyhow::Result<()> {
    let text = match environment {
        Environment::Development => DEFAULT,
        Environment::Production => PRODUCTION,
    };
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

/// `menjin admin create`
pub(crate) fn create(settings: &Settings, args: &CreateAdminArgs) -> anyhow::Result<()> {
    let username =
        Username::parse(&args.username, UsernameLength::DEFAULT).context("--username")?;
    let email = Email::parse(&args.email).context("--email")?;
    let runtime = runtime()?;
    // Before anybody types a password.
    if !args.new_database
        && let Some(reason) = runtime.block_on(store::missing(settings))?
    {
        bail!(
            "no administrator was made (--new-database makes a database where there is none): \
             {reason}"
        );
    }
    eprintln!("menjin: the database is {}", store::place_of(&settings.database()?));
    let password = if args.password_stdin { password_from_stdin()? } else { ask_for_password()? };
    let password = NewPassword::parse(password.expose_secret(), settings.password.length());
    let password = password.context("the password")?;
    runtime.block_on(async {
        let input = CreateAdminInput { username: username.clone(), email, password };
        let create = create_admin(settings).await?;
        let mut out = std::io::stdout().lock();
        match create.execute(input).await {
            Ok(user) => writeln!(out, "made administrator {} with id {}", user.username, user.id)?,
            Err(Error::Refused(CreateAdminError::UsernameTaken))
                if args.if_absent && is_admin(&*create.accounts, &username).await? =>
            {
                writeln!(out, "there is an administrator {username} already")?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    })
}

/// Whether there is an administrator of this name.
async fn is_admin(accounts: &dyn AccountRepository, name: &Username) -> Result<bool, PortError> {
    let mut start = PageStart::Skip(0);
    loop {
        let query = UserQuery { start, limit: 100, role: Some(Role::ADMIN) };
        let page = accounts.list(query).await?;
        if page.users.iter().any(|user| user.username.canonical() == name.canonical()) {
            return Ok(true);
        }
        match page.users.last() {
            Some(last) => start = PageStart::After(last.id),
            None => return Ok(false),
        }
    }
}

/// Whether a command failed because what it was to make is there already.
pub(crate) fn is_there_already(error: &anyhow::Error) -> bool {
    use CreateAdminError::{EmailTaken, UsernameTaken};
    let is_taken = |cause: &(dyn std::error::Error + 'static)| {
        let of_admin = cause.downcast_ref::<Error<CreateAdminError>>();
        let of_user = cause.downcast_ref::<Error<CreateUserRefusal>>();
        matches!(of_admin, Some(Error::Refused(UsernameTaken | EmailTaken)))
            || matches!(of_user, Some(Error::Refused(CreateUserRefusal::Taken(_))))
    };
    error.chain().any(is_taken)
}

/// `menjin audit export`
pub(crate) fn export(settings: &Settings, args: &ExportArgs) -> anyhow::Result<()> {
    runtime()?.block_on(audit::export(settings, args))
}

pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// The first line without its line end, which `echo`, `printf` and password managers may add.
pub(crate) fn password_from_stdin() -> anyhow::Result<SecretString> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("cannot read the password")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("--password-stdin: standard input is empty");
    }
    Ok(password.to_owned().into())
}

fn ask_for_password() -> anyhow::Result<SecretString> {
    let hint = "cannot ask for a password without a terminal: use --password-stdin";
    let first = SecretString::from(rpassword::prompt_password("Password: ").context(hint)?);
    let second = SecretString::from(rpassword::prompt_password("Once more: ").context(hint)?);
    if first.expose_secret() != second.expose_secret() {
        bail!("the two passwords differ");
    }
    Ok(first)
}
