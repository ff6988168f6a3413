//! `PUT /api/auth/users/{user_id}/deactivate`.

use menjin_domain::access::rights::UsersWrite;
use menjin_domain::common::UserId;

use crate::envelope::responses::{Nothing, Success};
use crate::prelude::*;

const DONE: Text = Text { zh: "用户停用成功", en: "User deactivated" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::PUT, "/api/auth/users/{user_id}/deactivate", deactivate)
        .success("The user is not active")
        .message(DONE)
        .refusals(&[ErrorKind::UserNotFound, ErrorKind::LastAdmin])
        .refusals(&[ErrorKind::OutOfReach])
}

/// Deactivate a user.
///
/// For administrators. The user's tokens stop working at once. The last active administrator cannot
/// be deactivated.
#[api_v2_operation(operation_id = "envelope_deactivate_user", tags("Administration (envelope)"))]
async fn deactivate(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<Authorized<UsersWrite>, Path<UserId>>,
) -> Answer<Success<Nothing>> {
    api.services.change_user.deactivate(&allowed, id).await?;
    Ok(Success(DONE, Nothing))
}
