//! `GET /api/v1/users/{user_id}`.

use menjin_domain::access::rights::UsersRead;
use menjin_domain::common::UserId;

use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/users/{user_id}", get_user)
        .success("The user")
        .refusals(&[ErrorKind::UserNotFound])
}

/// Show a user.
///
/// For administrators.
#[api_v2_operation(operation_id = "get_user", tags("User Management"))]
async fn get_user(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<Authorized<UsersRead>, Path<UserId>>,
) -> Answer<Reply<User>> {
    let user = api.services.get_user.execute(&allowed, id).await?;
    Ok(Reply(User::for_administrators(&user)))
}
