//! Tables of users that are downloaded, whichever dialect they are asked for in.

use actix_web::HttpResponseBuilder;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Bytes;
use futures_util::stream;
use menjin_domain::access::Allowed;
use menjin_domain::access::rights::{UsersExport, UsersImport};
use menjin_domain::accounts::{AttributeRules, User, UserFilter};
use menjin_domain::common::{Causes, PortError};
use menjin_domain::import::{Cell, ExportColumn, ImportColumn, Outcome, ReportedRow, UserExport};
use menjin_domain::jobs::JobId;
use menjin_tables::CsvWriter;
use menjin_web::Locale;
use menjin_web::row_problem::row_problem;
use menjin_web::values::ExportFormat;
use serde_json::{Map, Value};

use crate::prelude::*;

/// The users that match, from the first to the last.
pub(crate) async fn users(
    api: &Api,
    allowed: &Allowed<UsersExport>,
    filter: UserFilter,
    format: ExportFormat,
) -> Answer<HttpResponse> {
    let mut users = api.services.export_users.begin(allowed, filter).await?;
    // The first part is here before the answer begins, so that an outage is answered as one.
    let first = users.next().await?.unwrap_or_default();
    let columns = ExportColumn::all(&api.settings.attributes);
    let head = page(&first, &columns, format, true).map_err(broken)?;
    let parts = stream::try_unfold((Some(head), users), move |(ready, users)| {
        let columns = columns.clone();
        async move { part(ready, users, &columns, format).await }
    });
    Ok(attachment("users", format).streaming(Box::pin(parts)))
}

/// The rows of an import that failed.
pub(crate) async fn failed_rows(
    api: &Api,
    allowed: &Allowed<UsersImport>,
    id: JobId,
    locale: Locale,
) -> Answer<HttpResponse> {
    let results = all_results(api, allowed, id).await?.into_iter();
    let failed: Vec<_> = results.filter(|row| matches!(row.outcome, Outcome::Failed(_))).collect();
    let table = failed_table(&failed, &api.settings.attributes, locale)
        .map_err(|error| PortError::internal("import", error))?;
    Ok(attachment("failed", ExportFormat::Csv).body(table))
}

/// What has become of all rows of an import.
pub(crate) async fn all_results(
    api: &Api,
    allowed: &Allowed<UsersImport>,
    id: JobId,
) -> Answer<Vec<ReportedRow>> {
    let mut results = Vec::new();
    let mut next = Some(0);
    while let Some(part) = next {
        let report = api.services.get_import.execute(allowed, id, part).await?;
        results.extend(report.results);
        next = report.next;
    }
    Ok(results)
}

/// The passwords that an import has made, to be handed out.
pub(crate) async fn first_passwords(
    api: &Api,
    allowed: &Allowed<UsersImport>,
    id: JobId,
) -> Answer<HttpResponse> {
    let results = all_results(api, allowed, id).await?;
    let table = || {
        let mut csv = CsvWriter::new(Vec::new())?;
        csv.write(["username", "password"])?;
        for row in &results {
            if let (Some(name), Some(password)) = (&row.username, &row.password) {
                csv.write([name.as_str(), password.as_str()])?;
            }
        }
        csv.finish()
    };
    let table = table().map_err(|error| PortError::internal("import", error))?;
    Ok(attachment("passwords", ExportFormat::Csv).body(table))
}

/// The headings of a table that can be imported.
pub(crate) fn import_template(
    attributes: &AttributeRules,
    locale: Locale,
) -> Result<HttpResponse, PortError> {
    let headings =
        headings(attributes, locale).map_err(|error| PortError::internal("import", error))?;
    Ok(attachment("users", ExportFormat::Csv).body(headings))
}

fn headings(attributes: &AttributeRules, locale: Locale) -> std::io::Result<Vec<u8>> {
    let columns = ImportColumn::of_template(attributes);
    let mut csv = CsvWriter::new(Vec::new())?;
    csv.write(columns.iter().map(|column| column.heading(attributes, locale)))?;
    csv.finish()
}

fn failed_table(
    failed: &[ReportedRow],
    attributes: &AttributeRules,
    locale: Locale,
) -> std::io::Result<Vec<u8>> {
    let shown = ImportColumn::of_template(attributes).into_iter();
    let shown = shown.filter(|column| !column.is_secret());
    let is_used = |column: &ImportColumn| {
        failed.iter().flat_map(|row| &row.cells).any(|(other, _)| other == column)
    };
    let columns: Vec<_> = shown.filter(is_used).collect();
    let mut csv = CsvWriter::new(Vec::new())?;
    csv.write(["row", "error"].into_iter().chain(columns.iter().map(ImportColumn::name)))?;
    for row in failed {
        let Outcome::Failed(error) = &row.outcome else { continue };
        let (_, text) = row_problem(&error.problem, locale);
        let field = error.column.map(|column| format!("{}: ", column.name())).unwrap_or_default();
        let (number, reason) = (row.number.to_string(), format!("{field}{text}"));
        let cell = |column: &ImportColumn| {
            let mut cells = row.cells.iter().filter(|(other, _)| other == column);
            cells.next().map_or("", |(_, text)| text.as_str())
        };
        let cells = columns.iter().map(cell);
        csv.write([number.as_str(), reason.as_str()].into_iter().chain(cells))?;
    }
    csv.finish()
}

/// An answer that browsers save as a file of this name.
fn attachment(name: &str, format: ExportFormat) -> HttpResponseBuilder {
    let name = format!("attachment; filename=\"{name}.{}\"", format.as_str());
    let mut answer = HttpResponse::Ok();
    answer.insert_header((CONTENT_TYPE, format.media_type()));
    answer.insert_header((CONTENT_DISPOSITION, name));
    answer
}

/// The next part of the answer, and what comes after it.
async fn part(
    ready: Option<Bytes>,
    mut users: UserExport,
    columns: &[ExportColumn],
    format: ExportFormat,
) -> Result<Option<(Bytes, (Option<Bytes>, UserExport))>, std::io::Error> {
    if let Some(ready) = ready {
        return Ok(Some((ready, (None, users))));
    }
    let next = users.next().await.map_err(|error| {
        // The answer has begun: it ends before its end, which the client sees.
        tracing::error!(error = %Causes(&error), "an export broke off");
        std::io::Error::other(error)
    })?;
    let Some(next) = next else { return Ok(None) };
    Ok(Some((page(&next, columns, format, false)?, (None, users))))
}

fn broken(error: std::io::Error) -> PortError {
    PortError::internal("export", error)
}

/// Users as they are sent; the first page begins with the names of the columns.
fn page(
    users: &[User],
    columns: &[ExportColumn],
    format: ExportFormat,
    is_first: bool,
) -> std::io::Result<Bytes> {
    match format {
        ExportFormat::Csv => {
            let mut csv = CsvWriter::continuing(Vec::new());
            if is_first {
                csv = CsvWriter::new(Vec::new())?;
                csv.write(columns.iter().map(ExportColumn::name))?;
            }
            for user in users {
                let cells: Vec<_> =
                    columns.iter().map(|column| column.cell(user).into_text()).collect();
                csv.write(cells.iter().map(AsRef::as_ref))?;
            }
            Ok(csv.finish()?.into())
        }
        ExportFormat::Ndjson => {
            let mut lines = Vec::new();
            for user in users {
                serde_json::to_writer(&mut lines, &exported_user(user, columns))?;
                lines.push(b'\n');
            }
            Ok(lines.into())
        }
    }
}

/// A user as NDJSON has them.
pub fn exported_user(user: &User, columns: &[ExportColumn]) -> Map<String, Value> {
    let columns = columns.iter();
    columns.map(|column| (column.name().to_owned(), value(column.cell(user)))).collect()
}

fn value(cell: Cell<'_>) -> Value {
    match cell {
        Cell::Empty => Value::Null,
        Cell::Text(text) => text.into(),
        Cell::Flag(flag) => flag.into(),
        Cell::Number(number) => number.into(),
    }
}
