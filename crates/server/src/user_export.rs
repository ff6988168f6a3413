//! `menjin users export`.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use anyhow::Context as _;
use menjin_domain::accounts::{
    AvatarUrl, Bio, FullName, Phone, User, UserOrder, UserPosition, UserSearch,
};
use menjin_domain::audit::{AuditAction, AuditContext, AuditTrail as _};
use menjin_domain::common::{Clock as _, Locale, RequestContext, rfc3339};
use menjin_domain::import::ImportColumn;
use menjin_infra_memory::SystemClock;
use menjin_tables::CsvWriter;
use serde_json::{Map, Value};

use crate::cli::{ExportFormat, ExportUsersArgs};
use crate::user_commands::Office;

/// How many users are asked for at once.
const PAGE: u64 = 1000;

/// What is written beside the columns that can be imported.
const MORE: [&str; 3] = ["id", "created_at", "last_login_at"];

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
    let out: Box<dyn Write> = match &args.file {
        Some(path) => Box::new(BufWriter::new(
            File::create(path).with_context(|| path.display().to_string())?,
        )),
        None => Box::new(BufWriter::new(io::stdout())),
    };
    let columns: Vec<ImportColumn> = ImportColumn::ALL
        .iter()
        .copied()
        .filter(|column| {
            !column.is_secret() || (args.with_hashes && *column == ImportColumn::PasswordHash)
        })
        .collect();
    let headings = columns.iter().map(|column| column.name()).chain(MORE);
    let mut sink = match format {
        ExportFormat::Csv => {
            let mut csv = CsvWriter::new(out)?;
            csv.write(headings)?;
            Sink::Csv(csv.into())
        }
        ExportFormat::Ndjson => Sink::Ndjson(out),
    };
    let filter =
        office.filter(args.search.as_deref(), args.role.as_deref(), args.active, args.verified)?;
    let order = UserOrder::of(None, &filter).unwrap_or_default();
    let context = AuditContext::anonymous(SystemClock.now(), RequestContext::local());
    office.trail.note(context.event(AuditAction::UsersExported));
    let (mut after, mut written) = (None, 0_u64);
    loop {
        let search = UserSearch { filter: filter.clone(), order, after, limit: PAGE };
        let page = office.accounts.search(search).await?;
        for user in &page.users {
            let hash = if args.with_hashes { hash_of(office, user).await? } else { None };
            sink.write(&columns, user, hash.as_deref())?;
        }
        written += page.users.len() as u64;
        if (page.users.len() as u64) < PAGE {
            break;
        }
        after = page.users.last().map(|user| UserPosition::of(user, order.sort));
    }
    sink.finish()?;
    eprintln!("menjin: {written} users");
    Ok(())
}

async fn hash_of(office: &Office, user: &User) -> anyhow::Result<Option<String>> {
    let credentials = office.store.credentials().find_by_id(user.id).await?;
    Ok(credentials.map(|credentials| credentials.hash.expose().to_owned()))
}

/// What a user has in a column; `None`: nothing.
fn cell(user: &User, column: ImportColumn, hash: Option<&str>) -> Option<Value> {
    let profile = &user.profile;
    let text = |text: Option<&str>| text.map(|text| Value::String(text.to_owned()));
    match column {
        ImportColumn::Username => text(Some(user.username.as_str())),
        ImportColumn::Email => text(Some(user.email.as_str())),
        ImportColumn::FullName => text(profile.full_name.as_ref().map(FullName::as_str)),
        ImportColumn::Role => text(Some(user.role.as_str())),
        ImportColumn::Password => None,
        // That of an account without a password says nothing.
        ImportColumn::PasswordHash => text(hash.filter(|hash| hash.starts_with(['$', 'b', 'p']))),
        ImportColumn::Phone => text(profile.phone.as_ref().map(Phone::as_str)),
        ImportColumn::Bio => text(profile.bio.as_ref().map(Bio::as_str)),
        ImportColumn::Avatar => text(profile.avatar.as_ref().map(AvatarUrl::as_str)),
        ImportColumn::Locale => text(user.locale.map(Locale::tag)),
        ImportColumn::IsActive => Some(user.is_active.into()),
        ImportColumn::IsVerified => Some(user.is_verified.into()),
    }
}

fn more(user: &User) -> [Option<Value>; 3] {
    [
        Some(user.id.get().into()),
        Some(rfc3339(user.created_at).into()),
        user.last_login_at.map(|at| rfc3339(at).into()),
    ]
}

impl Sink {
    fn write(
        &mut self,
        columns: &[ImportColumn],
        user: &User,
        hash: Option<&str>,
    ) -> anyhow::Result<()> {
        let cells = columns.iter().map(|column| cell(user, *column, hash)).chain(more(user));
        match self {
            Self::Csv(csv) => {
                let texts: Vec<String> = cells
                    .map(|cell| match cell {
                        None => String::new(),
                        Some(Value::String(text)) => text,
                        Some(other) => other.to_string(),
                    })
                    .collect();
                csv.write(texts.iter().map(String::as_str))?;
            }
            Self::Ndjson(out) => {
                let names = columns.iter().map(|column| column.name()).chain(MORE);
                let object: Map<String, Value> =
                    names.map(str::to_owned).zip(cells.map(Option::unwrap_or_default)).collect();
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
