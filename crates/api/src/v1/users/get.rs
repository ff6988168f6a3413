//! `GET /api/v1/users/{user_id}`.

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
    Ordered(caller, Path(id)): Ordered<Administrator, Path<UserId>>,
    client: Client,
) -> Answer<Reply<User>> {
    let user = api.use_cases.get_user.execute(&caller, id, client.0).await?;
    Ok(Reply(User::from(&user)))
}
