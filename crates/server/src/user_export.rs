//! `menjin users export`.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use std::sync::Arc;

use anyhow::Context as _;
use menjin_api::exported_user;
use menjin_domain::accounts::User;
use menjin_domain::audit::AuditContext;
use menjin_domain::common::{Clock as _, RequestContext};
use menjin_domain::import::{ExportColumn, ExportUsers, ImportColumn};
use menjin_infra_memory::SystemClock;
use menjin_tables::CsvWriter;

use crate::cli::{ExportFormat, ExportUsersArgs};
use crate::office::Office;

/// Where users are written to.
enum Sink {
    Csv(Box<CsvWriter<Box<dyn Write>>>),
    Ndjson(Box<dyn Write>),
}

/// Writes all users that match, as they are found: nothing is held back.
pub(crate) async fn export(office: &Office, args: &ExportUsersArgs) -> anyhow::Result<()> {
    let is_ndjson = args.file.as_deref().and_then(menjin_tables::Format::of_path)
        == Some(menjin_tables::Format::Ndjson);
    let format =
        args.format.unwrap_or(if is_ndjson { ExportFormat::Ndjson } else { ExportFormat::Csv });
    let filter = office.filter(&args.filter)?;
    let out: Box<dyn Write> = match &args.file {
        Some(path) => {
            let file = File::create(path).with_context(|| path.display().to_string())?;
            Box::new(BufWriter::new(file))
        }
        None => Box::new(BufWriter::new(io::stdout())),
    };
    let hash = args.with_hashes.then_some(ImportColumn::PasswordHash);
    let attributes = Arc::new(office.settings.attributes()?);
    let columns = ExportColumn::all(&attributes);
    let mut sink = match format {
        ExportFormat::Csv => {
            let mut csv = CsvWriter::new(out)?;
            let names = columns.iter().map(ExportColumn::name);
            csv.write(names.chain(hash.as_ref().map(ImportColumn::name)))?;
            Sink::Csv(csv.into())
        }
        ExportFormat::Ndjson => Sink::Ndjson(out),
    };
    let use_case = ExportUsers::standalone(
        office.accounts.clone(),
        office.store.audit_records.clone(),
        attributes,
    );
    let context = AuditContext::anonymous(SystemClock.now(), RequestContext::local());
    let (mut export, mut written) = (use_case.begin_as(context, filter).await?, 0_u64);
    while let Some(users) = export.next().await? {
        for user in &users {
            let hash = if hash.is_some() { Some(hash_of(office, user).await?) } else { None };
            sink.write(user, &columns, hash.as_deref())?;
        }
        written += users.len() as u64;
    }
    sink.finish()?;
    eprintln!("menjin: {written} users");
    Ok(())
}

/// The hash of the user's password; that of an account without one is empty.
async fn hash_of(office: &Office, user: &User) -> anyhow::Result<String> {
    let credentials = office.store.credentials.find_by_id(user.id).await?;
    let hash = credentials.map(|credentials| credentials.hash);
    let hash = hash.filter(|hash| !hash.is_none());
    Ok(hash.map_or_else(String::new, |hash| hash.expose().to_owned()))
}

impl Sink {
    fn write(
        &mut self,
        user: &User,
        columns: &[ExportColumn],
        hash: Option<&str>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Csv(csv) => {
                let cells = columns.iter().map(|column| column.cell(user).into_text());
                let texts: Vec<_> = cells.collect();
                csv.write(texts.iter().map(AsRef::as_ref).chain(hash))?;
            }
            Self::Ndjson(out) => {
                let mut object = exported_user(user, columns);
                if let Some(hash) = hash {
                    object.insert(ImportColumn::PasswordHash.name().to_owned(), hash.into());
                }
                serde_json::to_writer(&mut *out, &object)?;
                writeln!(out)?;
            }
        }
        Ok(())
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Csv(csv) => csv.finish()?.flush(),
            Self::Ndjson(mut out) => out.flush(),
        }
    }
}
