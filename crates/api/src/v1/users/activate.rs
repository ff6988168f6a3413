//! `POST /api/v1/users/{user_id}/activate`.

use menjin_domain::access::rights::UsersWrite;
use menjin_domain::common::UserId;

use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/{user_id}/activate", activate)
        .success("The user is active")
        .refusals(&[ErrorKind::UserNotFound, ErrorKind::OutOfReach, ErrorKind::DeletionScheduled])
}

/// Activate a user.
///
/// For administrators. Lifts the lock that failed log-ins have put on the account, too. Activating an active user
/// changes nothing.
#[api_v2_operation(operation_id = "activate_user", tags("User Management"))]
async fn activate(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<Authorized<UsersWrite>, Path<UserId>>,
) -> Answer<Reply<User>> {
    let user = api.services.change_user.activate(&allowed, id).await?;
    Ok(Reply(User::for_administrators(&user)))
}
