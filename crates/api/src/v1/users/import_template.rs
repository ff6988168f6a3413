//! `GET /api/v1/users/import/template`.

use menjin_domain::access::rights::UsersImport;
use menjin_web::values::ExportFormat;

use crate::downloads;
use crate::prelude::*;

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
    Ok(downloads::import_template(&api.settings.attributes, context.locale)?)
}
