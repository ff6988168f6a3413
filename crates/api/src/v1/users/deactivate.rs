//! `POST /api/v1/users/{user_id}/deactivate`.

use menjin_domain::access::rights::UsersWrite;
use menjin_domain::common::UserId;

use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/{user_id}/deactivate", deactivate)
        .success("The user is not active")
        .refusals(&[ErrorKind::UserNotFound, ErrorKind::LastAdmin])
        .refusals(&[ErrorKind::OutOfReach])
}

/// Deactivate a user.
///
/// For administrators. The user's tokens stop working at once. The last active administrator cannot be
/// deactivated.
#[api_v2_operation(operation_id = "deactivate_user", tags("User Management"))]
async fn deactivate(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<Authorized<UsersWrite>, Path<UserId>>,
) -> Answer<Reply<User>> {
    let user = api.services.change_user.deactivate(&allowed, id).await?;
    Ok(Reply(User::for_administrators(&user)))
}
