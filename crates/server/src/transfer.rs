//! `menjin transfer`

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use menjin_domain::common::Sealer as _;
use menjin_domain::transfer::{Archive, Checksum, Transfer, TransferProgress};
use menjin_infra_credentials::DerivedKeys;
use menjin_infra_postgres::{PostgresArchive, PostgresStore};
use menjin_infra_sqlite::{SqliteArchive, SqliteStore};

use crate::admin::runtime;
use crate::cli::TransferArgs;
use crate::secret::{secret_at, secret_path};
use crate::settings::{Database, Settings, SettingsError};
use crate::store::{self, blocking};

/// The databases of a transfer.
pub(crate) struct Databases {
    from: Database,
    to: Database,
}

impl Databases {
    /// The databases that the command line names.
    ///
    /// # Errors
    /// A URL cannot be read.
    pub(crate) fn of(settings: &Settings, args: &TransferArgs) -> Result<Self, SettingsError> {
        Ok(Self {
            from: settings.database_at("--from", &args.from)?,
            to: settings.database_at("--to", &args.to)?,
        })
    }
}

/// Moves everything, and prints what was moved.
pub(crate) fn run(Databases { from, to }: Databases, settings: &Settings) -> anyhow::Result<()> {
    let (source, target) = (place(&from), place(&to));
    if source == target {
        bail!("--from and --to are the same database: {source}");
    }
    eprintln!("transferring from {source} to {target}");
    let bar = ProgressBar::no_length().with_style(style()?);
    let report = |progress| match progress {
        TransferProgress::Copied(done, total) => show(&bar, "copying", done, total),
        TransferProgress::Verified(done, total) => show(&bar, "verifying", done, total),
    };
    let runtime = runtime()?;
    let moved = runtime.block_on(async {
        let transfer = Transfer { source: source_of(&from).await?, target: target_of(&to).await? };
        Ok::<_, anyhow::Error>(transfer.execute(&report).await?)
    });
    bar.finish_and_clear();
    say(&moved.context("nothing was transferred")?)?;
    if let Database::Sqlite(path) = &from {
        hint(&secret_path(path))?;
    }
    runtime.block_on(warn_of_factors(settings, to))
}

/// An archive of an existing database: nothing is created or migrated.
async fn source_of(database: &Database) -> anyhow::Result<Arc<dyn Archive>> {
    let (pending, archive): (_, Arc<dyn Archive>) = match database.clone() {
        Database::Sqlite(path) => {
            if !path.try_exists().with_context(|| format!("--from: {}", path.display()))? {
                bail!("--from: there is no file {}", path.display());
            }
            let archive = SqliteArchive::at(&path)?;
            (blocking(move || SqliteStore::pending_migrations(&path)).await??, Arc::new(archive))
        }
        Database::Postgres(config) => {
            let pending = PostgresStore::pending_migrations(&config).await?;
            (pending, Arc::new(PostgresArchive::new(&config)?))
        }
    };
    if !pending.is_empty() {
        bail!(
            "--from: {} lacks migrations of this version ({}): run `menjin migrate` on it first",
            place(database),
            pending.join(", ")
        );
    }
    Ok(archive)
}

/// An archive to fill: created and migrated.
async fn target_of(database: &Database) -> anyhow::Result<Arc<dyn Archive>> {
    Ok(match database.clone() {
        Database::Sqlite(path) => {
            let archive = SqliteArchive::at(&path)?;
            blocking(move || SqliteStore::migrate(&path)).await??;
            Arc::new(archive)
        }
        Database::Postgres(config) => {
            PostgresStore::migrate(&config).await?;
            Arc::new(PostgresArchive::new(&config)?)
        }
    })
}

/// Where a database is: the path of a file, with links resolved if it exists; or host, port and
/// name.
fn place(database: &Database) -> String {
    match database {
        Database::Sqlite(path) => {
            let known = path.canonicalize().or_else(|_no_file| std::path::absolute(path));
            known.as_deref().unwrap_or(path).display().to_string()
        }
        Database::Postgres(config) => config.place(),
    }
}

fn style() -> anyhow::Result<ProgressStyle> {
    // Drawn on a terminal only.
    let template = "{msg:9} {wide_bar} {human_pos}/{human_len} {eta}";
    Ok(ProgressStyle::with_template(template)?)
}

fn show(bar: &ProgressBar, message: &'static str, done: u64, total: u64) {
    bar.set_message(message);
    bar.set_length(total);
    bar.set_position(done);
}

fn say(moved: &[Checksum]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for sum in moved {
        writeln!(out, "{:15} {:>10} rows  sha256:{}", sum.table, sum.rows, sum.hex())?;
    }
    writeln!(out, "both databases hold the same")
}

/// Tells where a generated secret is: it is beside the file, and the other database has no such
/// place.
fn hint(secret: &Path) -> std::io::Result<()> {
    if !secret.exists() {
        return Ok(());
    }
    writeln!(
        std::io::stdout(),
        "tokens and second factors go on working if the server gets the same secret: auth.secret is in {}",
        secret.display()
    )
}

/// Tells of second factors that cannot be read with the secret that the new place has: their owners could
/// not log in.
async fn warn_of_factors(settings: &Settings, database: Database) -> anyhow::Result<()> {
    let secret = secret_at(settings, &database)?;
    let keys = secret.map(|secret| DerivedKeys::new(&secret, &[]));
    let store = store::open_at(database).await?;
    // Without a secret every factor needs another one than is there.
    let key_id = keys.map(|keys| keys.key_id()).unwrap_or_default();
    let counted = store.factors.count_of_other_keys(&key_id).await;
    store.close().await?;
    let accounts = counted?;
    if accounts > 0 {
        eprintln!(
            "menjin: {accounts} accounts have a second factor or recovery codes that need the secret of the \
             old place: before anybody logs in, set it as auth.secret, or list it in auth.verify_only_secrets"
        );
    }
    Ok(())
}
