//! `DELETE /api/v1/users/{user_id}`.

use menjin_domain::access::rights::UsersDelete;
use menjin_domain::common::UserId;

use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::DELETE, "/api/v1/users/{user_id}", delete)
        .success("The user is inactive, and gone at `deletes_at`")
        .refusals(&[ErrorKind::UserNotFound, ErrorKind::LastAdmin])
        .refusals(&[ErrorKind::OutOfReach])
}

/// Delete a user.
///
/// For administrators. The user is inactive at once, and is gone with all personal data at `deletes_at`;
/// until then the deletion can be undone, and name and address are not free. The last active
/// administrator cannot be deleted.
#[api_v2_operation(operation_id = "delete_user", tags("User Management"))]
async fn delete(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<Authorized<UsersDelete>, Path<UserId>>,
) -> Answer<Reply<User>> {
    let user = api.services.change_user.delete(&allowed, id).await?;
    Ok(Reply(User::for_administrators(&user)))
}
