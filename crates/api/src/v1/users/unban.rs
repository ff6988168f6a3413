//! `POST /api/v1/users/{user_id}/unban`.

use menjin_domain::access::rights::UsersBan;
use menjin_domain::common::UserId;

use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/{user_id}/unban", unban)
        .success("The user is not banned")
        .refusals(&[ErrorKind::UserNotFound, ErrorKind::OutOfReach, ErrorKind::DeletionScheduled])
}

/// End a ban before its time.
///
/// Of a user who is not banned, it changes nothing.
#[api_v2_operation(operation_id = "unban_user", tags("User Management"))]
async fn unban(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<Authorized<UsersBan>, Path<UserId>>,
) -> Answer<Reply<User>> {
    let user = api.services.change_user.lift_ban(&allowed, id).await?;
    Ok(Reply(User::for_administrators(&user)))
}
