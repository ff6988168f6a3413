//! `GET /api/v1/users/imports/{id}/failed`.

use menjin_domain::access::rights::UsersImport;
use menjin_domain::accounts::AttributeRules;
use menjin_domain::common::PortError;
use menjin_domain::import::{ImportColumn, Outcome, ReportedRow};
use menjin_domain::jobs::JobId;
use menjin_tables::CsvWriter;
use menjin_web::Locale;
use menjin_web::row_problem::row_problem;
use menjin_web::values::ExportFormat;

use crate::prelude::*;
use crate::v1::users::export::attachment;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/users/imports/{job_id}/failed", get)
        .file("The rows that failed, as a table", const { &[ExportFormat::Csv.media_type()] })
        .refusals(&[ErrorKind::JobNotFound])
}

/// Download the rows that failed.
///
/// As CSV, to be corrected and sent again: each with its number, the reason, and what it says but passwords.
#[api_v2_operation(operation_id = "get_failed_rows", tags("User Management"))]
async fn get(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<Authorized<UsersImport>, Path<JobId>>,
    context: ReplyContext,
) -> Answer<HttpResponse> {
    let mut failed = Vec::new();
    let mut next = Some(0);
    while let Some(part) = next {
        let report = api.services.get_import.execute(&allowed, id, part).await?;
        let rows = report.results.into_iter();
        failed.extend(rows.filter(|row| matches!(row.outcome, Outcome::Failed(_))));
        next = report.next;
    }
    let table = table(&failed, &api.settings.attributes, context.locale)
        .map_err(|error| PortError::internal("import", error))?;
    Ok(attachment("failed", ExportFormat::Csv).body(table))
}

fn table(
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
