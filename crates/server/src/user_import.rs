//! `menjin users import` and `menjin users template`.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use menjin_domain::accounts::Username;
use menjin_domain::common::{Clock as _, Locale, UserId};
use menjin_domain::credentials::PasswordHash;
use menjin_domain::import::{
    ForeignHashes, HashRefused, ImportColumn, ImportOptions, ImportRun, ImportUsers, Importer,
    Outcome, RowReport, UpdateAlso,
};
use menjin_domain::jobs::Tally;
use menjin_infra_credentials::{ForeignHashError, check_foreign_hash};
use menjin_infra_memory::SystemClock;
use menjin_tables::{CsvWriter, Format, Limits, Row, Table};
use serde_json::json;

use crate::cli::{Also, ImportFormat, ImportUsersArgs, TemplateArgs};
use crate::mail;
use crate::office::Office;
use crate::settings::Settings;
use crate::user_table::{BadColumns, Columns, next_part};

/// How many failures are shown.
const SHOWN: usize = 20;

/// Judges hashes by what this program can verify.
struct Hashes;

impl ForeignHashes for Hashes {
    fn check(&self, hash: &PasswordHash) -> Result<(), HashRefused> {
        check_foreign_hash(hash.expose()).map_err(|error| match error {
            ForeignHashError::TooCostly => HashRefused::TooCostly,
            ForeignHashError::UnknownKind | ForeignHashError::NotWhole => HashRefused::UnknownKind,
        })
    }
}

/// A CSV file.
type Csv = CsvWriter<File>;

/// Where the results go.
struct Reports<'a> {
    args: &'a ImportUsersArgs,
    tally: Tally,
    /// The first failures, for people.
    complaints: Vec<String>,
    failed: Option<Csv>,
    passwords: Option<Csv>,
    /// The headings of the file of failures, without what nobody is to see.
    headings: Vec<Arc<str>>,
}

impl Reports<'_> {
    fn write(
        &mut self,
        columns: &Columns,
        row: Option<&Row>,
        report: &RowReport,
    ) -> anyhow::Result<()> {
        self.tally.count(&report.outcome);
        if let (Some(file), Some(password)) = (&mut self.passwords, &report.password) {
            let name = report.username.as_ref().map_or("", Username::as_str);
            file.write([name, password.expose()])?;
        }
        let failure = match &report.outcome {
            Outcome::Failed(error) => Some(error),
            _ => None,
        };
        if self.args.json {
            let mut out = io::stdout().lock();
            serde_json::to_writer(&mut out, &json_of(report))?;
            writeln!(out)?;
        }
        let Some(error) = failure else { return Ok(()) };
        let column = error.column.map(|column| format!("{}: ", column.name())).unwrap_or_default();
        if self.complaints.len() < SHOWN {
            let number = report.number;
            self.complaints.push(format!("row {number}: {column}{}", error.problem));
        }
        if let Some(file) = &mut self.failed {
            let number = report.number.to_string();
            let reason = format!("{column}{}", error.problem);
            let cell = |heading: &Arc<str>| {
                let cells = row.into_iter().flat_map(|row| &row.cells);
                let column = columns.of(heading);
                let is_same = |other: &Arc<str>| {
                    other == heading || (column.is_some() && columns.of(other) == column)
                };
                let mut of_heading = cells.filter(|(other, _)| is_same(other));
                of_heading.next().map_or("", |(_, text)| text.as_str())
            };
            let cells = [number.as_str(), reason.as_str()].into_iter();
            file.write(cells.chain(self.headings.iter().map(cell)))?;
        }
        Ok(())
    }
}

fn json_of(report: &RowReport) -> serde_json::Value {
    let (outcome, error) = match &report.outcome {
        Outcome::Created => ("created", None),
        Outcome::Updated => ("updated", None),
        Outcome::Unchanged => ("unchanged", None),
        Outcome::Failed(error) => ("failed", Some(error)),
    };
    let column = error.and_then(|error| error.column);
    json!({
        "row": report.number,
        "outcome": outcome,
        "id": report.id.map(UserId::get),
        "username": report.username.as_ref().map(Username::as_str),
        "field": column.as_ref().map(ImportColumn::name),
        "reason": error.map(|error| error.problem.to_string()),
    })
}

/// Imports a file.
pub(crate) async fn import(office: &Office, args: &ImportUsersArgs) -> anyhow::Result<()> {
    if args.all_or_nothing && !args.dry_run {
        // Everything is tried first, with a report of its own.
        let failed = pass(office, args, true).await?;
        if failed > 0 {
            bail!("{}, so nothing was imported (--all-or-nothing)", rows_fail(failed));
        }
    }
    let failed = pass(office, args, args.dry_run).await?;
    if failed > 0 {
        bail!("{}", rows_fail(failed));
    }
    Ok(())
}

fn rows_fail(failed: u64) -> String {
    if failed == 1 { "1 row fails".to_owned() } else { format!("{failed} rows fail") }
}

/// Goes through the file once. Returns how many rows have failed.
async fn pass(office: &Office, args: &ImportUsersArgs, dry_run: bool) -> anyhow::Result<u64> {
    let mut columns = Columns::new(&args.map, Arc::new(office.settings.attributes()?))?;
    let mut table = open(args)?;
    if !table.headings().is_empty() {
        columns.check_map(table.headings())?;
        columns.check(table.headings()).map_err(|error| match error {
            BadColumns::NoKey => {
                anyhow!("{error} (menjin users template prints such a row; --map names others)")
            }
            BadColumns::Twice { .. } => error.into(),
        })?;
    }
    let is_secret =
        |heading: &Arc<str>| columns.of(heading).is_some_and(|column| column.is_secret());
    let mut headings = table.headings().to_vec();
    if headings.is_empty() {
        // Which keys NDJSON has is known at its end only.
        let all = ImportColumn::of_template(&columns.attributes);
        headings.extend(all.iter().map(|column| column.name().into()));
    }
    headings.retain(|heading| !is_secret(heading));
    let is_trial = dry_run && !args.dry_run;
    let mut reports = Reports {
        args,
        tally: Tally::default(),
        complaints: Vec::new(),
        failed: args.failed.as_deref().map(|path| failures(path, &headings)).transpose()?,
        passwords: args
            .generate_passwords
            .as_deref()
            .filter(|_| !is_trial)
            .map(passwords)
            .transpose()?,
        headings,
    };
    let mut run = begin(office, args, dry_run)?;
    let bar = progress(args)?;
    let went = async {
        loop {
            let (part, numbered) = next_part(&mut table, &mut columns, ImportRun::PART)?;
            if numbered.is_empty() {
                return Ok(());
            }
            let done = run.rows(numbered).await?;
            for (row, report) in part.iter().zip(&done) {
                reports.write(&columns, row.as_ref(), report)?;
            }
            bar.set_position(reports.tally.rows());
            // Between two parts every row is done or not begun.
            if is_interrupted().await {
                bail!("interrupted");
            }
        }
    }
    .await;
    bar.finish_and_clear();
    let Reports { tally, complaints, failed, passwords, .. } = reports;
    for file in [failed, passwords].into_iter().flatten() {
        file.finish()?;
    }
    tell(&columns, &tally, &complaints, dry_run, args.json)?;
    let hint =
        "the file was not read to its end; the rows above are done, import it again to go on";
    went.map(|()| tally.failed).map_err(|error: anyhow::Error| {
        if tally.rows() > 0 && !dry_run { error.context(hint) } else { error }
    })
}

fn open(args: &ImportUsersArgs) -> anyhow::Result<Table> {
    let path = &args.file;
    let format = match args.format {
        Some(ImportFormat::Csv) => Some(Format::Csv),
        Some(ImportFormat::Ndjson) => Some(Format::Ndjson),
        Some(ImportFormat::Xlsx) => Some(Format::Xlsx),
        None => Format::of_path(path),
    };
    let name = path.display();
    let format = format.with_context(|| format!("{name}: say what it is, such as --format csv"))?;
    let file = File::open(path).with_context(|| name.to_string())?;
    menjin_tables::open(format, file, Limits::default()).with_context(|| name.to_string())
}

fn begin(office: &Office, args: &ImportUsersArgs, dry_run: bool) -> anyhow::Result<ImportRun> {
    let settings: &Settings = &office.settings;
    let roles = Arc::new(settings.roles()?);
    let default_role = match &args.role {
        Some(role) => office.role(role)?,
        None => settings.registration.default_role(&roles)?.into(),
    };
    let asked = |also| args.update.contains(&also);
    let options = ImportOptions {
        on_conflict: args.on_conflict.into(),
        update: UpdateAlso {
            password: asked(Also::Password),
            role: asked(Also::Role),
            activity: asked(Also::Activity),
        },
        default_role,
        length: settings.password.length(),
        generate_passwords: args.generate_passwords.is_some(),
        good_from: args.good_from,
        dry_run,
    };
    let import = ImportUsers::standalone(
        office.accounts.clone(),
        office.passwords()?,
        mail::post(settings)?,
        Arc::new(settings.attributes()?),
    );
    let importer = Importer::of_machine(SystemClock.now(), roles, Arc::new(Hashes));
    Ok(import.begin(importer, options))
}

async fn is_interrupted() -> bool {
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => true,
        () = std::future::ready(()) => false,
    }
}

fn failures(path: &Path, headings: &[Arc<str>]) -> anyhow::Result<Csv> {
    let file = File::create(path).with_context(|| format!("--failed {}", path.display()))?;
    let mut file = CsvWriter::new(file)?;
    file.write(["row", "error"].into_iter().chain(headings.iter().map(|heading| &**heading)))?;
    Ok(file)
}

/// A new file that nobody else may read.
fn passwords(path: &Path) -> anyhow::Result<Csv> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let name = || format!("--generate-passwords {}", path.display());
    let mut file = CsvWriter::new(file.with_context(name)?)?;
    file.write([ImportColumn::Username.name(), ImportColumn::Password.name()])?;
    Ok(file)
}

fn progress(args: &ImportUsersArgs) -> anyhow::Result<ProgressBar> {
    if args.json || !io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("{spinner} {human_pos} rows, {per_sec}, {elapsed}")?;
    Ok(ProgressBar::no_length().with_style(style))
}

/// What has been done, for people.
fn tell(
    columns: &Columns,
    tally: &Tally,
    complaints: &[String],
    dry_run: bool,
    is_json: bool,
) -> anyhow::Result<()> {
    let unread: Vec<_> = columns.unread().map(|heading| format!("{heading:?}")).collect();
    if !unread.is_empty() {
        eprintln!("menjin: columns that are not read: {}", unread.join(", "));
    }
    for complaint in complaints {
        eprintln!("menjin: {complaint}");
    }
    let more = tally.failed.saturating_sub(complaints.len() as u64);
    if more > 0 {
        eprintln!("menjin: and {more} more (--failed FILE writes all)");
    }
    if !is_json {
        let Tally { created, updated, unchanged, failed } = tally;
        let (rows, would) =
            (tally.rows(), if dry_run { " (dry run: nothing was done)" } else { "" });
        writeln!(
            io::stdout(),
            "{rows} rows: {created} created, {updated} updated, {unchanged} unchanged, {failed} failed{would}"
        )?;
    }
    Ok(())
}

/// Prints an empty table.
pub(crate) fn template(settings: &Settings, args: &TemplateArgs) -> anyhow::Result<()> {
    let locale = args.language.map_or(settings.locale.default.value, Locale::from);
    let attributes = settings.attributes()?;
    let columns = ImportColumn::of_template(&attributes);
    let mut out = CsvWriter::new(io::stdout().lock())?;
    out.write(columns.iter().map(|column| column.heading(&attributes, locale)))?;
    drop(out.finish()?);
    Ok(())
}
