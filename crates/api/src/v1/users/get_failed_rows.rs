//! `GET /api/v1/users/imports/{id}/failed`.

use menjin_domain::access::rights::UsersImport;
use menjin_domain::jobs::JobId;
use menjin_web::values::ExportFormat;

use crate::downloads;
use crate::prelude::*;

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
    downloads::failed_rows(&api, &allowed, id, context.locale).await
}
