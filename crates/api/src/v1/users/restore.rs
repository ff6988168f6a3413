//! `POST /api/v1/users/{user_id}/restore`.

use menjin_domain::access::rights::UsersDelete;
use menjin_domain::common::UserId;

use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/{user_id}/restore", restore)
        .success("The user is not to be deleted")
        .refusals(&[ErrorKind::UserNotFound, ErrorKind::OutOfReach])
}

/// Undo the deletion of a user.
///
/// For administrators. The user is what they were before, but for their sessions.
#[api_v2_operation(operation_id = "restore_user", tags("User Management"))]
async fn restore(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<Authorized<UsersDelete>, Path<UserId>>,
) -> Answer<Reply<User>> {
    let user = api.services.change_user.restore(&allowed, id).await?;
    Ok(Reply(User::for_administrators(&user)))
}
