//! `POST /api/v1/users/imports/{id}/commit`.

use menjin_domain::access::rights::UsersImport;
use menjin_domain::jobs::JobId;

use crate::prelude::*;
use crate::v1::users::get_import::ImportResponse;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/imports/{job_id}/commit", commit)
        .success("The file is being imported")
        .refusals(&[ErrorKind::JobNotFound, ErrorKind::ImportNotChecked, ErrorKind::RowsFailed])
}

/// Import a table that was checked.
///
/// Row by row: one that fails stops no other, unless it was sent with `all_or_nothing`. The rights are those
/// that the caller has now, and has while it is imported.
#[api_v2_operation(operation_id = "commit_import", tags("User Management"))]
async fn commit(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<Authorized<UsersImport>, Path<JobId>>,
    context: ReplyContext,
) -> Answer<Reply<ImportResponse, 202>> {
    api.services.commit_import.execute(&allowed, id).await?;
    let report = api.services.get_import.execute(&allowed, id, 0).await?;
    Ok(Reply(ImportResponse::new(&report, context.locale)))
}
