//! `GET /api/v1/users/import/template`.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use menjin_domain::access::rights::UsersImport;
use menjin_domain::accounts::AttributeRules;
use menjin_domain::import::ImportColumn;
use menjin_tables::CsvWriter;
use menjin_web::Locale;

use crate::prelude::*;

const CSV: &str = "text/csv; charset=utf-8";

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/users/import/template", template)
        .file("A table with the headings and no rows", &[CSV])
        .refusals(&[ErrorKind::ReauthenticationRequired])
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
        .map_err(|error| menjin_domain::common::PortError::internal("import", error))?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, CSV))
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"users.csv\""))
        .body(headings))
}

fn headings(attributes: &AttributeRules, locale: Locale) -> std::io::Result<Vec<u8>> {
    let columns = ImportColumn::of_template(attributes);
    let mut csv = CsvWriter::new(Vec::new())?;
    csv.write(columns.iter().map(|column| match locale {
        Locale::ZhCn => column.chinese(attributes),
        Locale::En => column.name(),
    }))?;
    csv.finish()
}
