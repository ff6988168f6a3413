//! `DELETE /api/v1/users/imports/{id}`.

use menjin_domain::access::rights::UsersImport;
use menjin_domain::jobs::JobId;

use crate::prelude::*;
use crate::v1::responses::Done;

const CANCELLED: Text = Text { zh: "导入已取消", en: "The import is cancelled" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::DELETE, "/api/v1/users/imports/{job_id}", cancel)
        .success("The import is gone")
        .message(CANCELLED)
        .refusals(&[ErrorKind::JobNotFound])
}

/// Cancel an import.
///
/// The file and its report are gone. Users that it has made or changed stay as they are.
#[api_v2_operation(operation_id = "cancel_import", tags("User Management"))]
async fn cancel(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<Authorized<UsersImport>, Path<JobId>>,
) -> Answer<Done> {
    api.services.cancel_import.execute(&allowed, id).await?;
    Ok(Done(CANCELLED))
}
