//! `PUT /api/auth/users/{user_id}/activate`.

use menjin_domain::access::rights::UsersWrite;
use menjin_domain::common::UserId;

use crate::envelope::responses::{Nothing, Success};
use crate::prelude::*;

const DONE: Text = Text { zh: "用户激活成功", en: "User activated" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::PUT, "/api/auth/users/{user_id}/activate", activate)
        .success("The user is active")
        .message(DONE)
        .refusals(&[ErrorKind::UserNotFound, ErrorKind::OutOfReach, ErrorKind::DeletionScheduled])
}

/// Activate a user.
///
/// For administrators. Lifts the lock that failed log-ins have put on the account, too.
#[api_v2_operation(operation_id = "envelope_activate_user", tags("Administration (envelope)"))]
async fn activate(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<Authorized<UsersWrite>, Path<UserId>>,
) -> Answer<Success<Nothing>> {
    api.services.change_user.activate(&allowed, id).await?;
    Ok(Success(DONE, Nothing))
}
