//! `GET /api/v1/users/import/template`.

use menjin_domain::access::rights::UsersImport;
use menjin_domain::accounts::AttributeRules;
use menjin_domain::common::PortError;
use menjin_domain::import::ImportColumn;
use menjin_tables::CsvWriter;
use menjin_web::Locale;
use menjin_web::values::ExportFormat;

use crate::prelude::*;
use crate::v1::users::export::attachment;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/users/import/template", template)
        .file("A table with the headings and no rows", const { &[ExportFormat::Csv.media_type()] })
}

/// Download a template for imports.
///
/// As CSV, with the headings in the language of the request. Columns may be left out.
#[api_v2_operation(operation_id = "get_import_template", tags("User Management"))]
async fn template(
    api: Data<Api>,
    Ordered(Authorized(_allowed), ()): Ordered<Authorized<UsersImport>, ()>,
    context: ReplyContext,
) -> Answer<HttpResponse> {
    let headings = headings(&api.settings.attributes, context.locale)
        .map_err(|error| PortError::internal("import", error))?;
    Ok(attachment("users", ExportFormat::Csv).body(headings))
}

fn headings(attributes: &AttributeRules, locale: Locale) -> std::io::Result<Vec<u8>> {
    let columns = ImportColumn::of_template(attributes);
    let mut csv = CsvWriter::new(Vec::new())?;
    csv.write(columns.iter().map(|column| column.heading(attributes, locale)))?;
    csv.finish()
}
