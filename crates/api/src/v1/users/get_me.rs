//! `GET /api/v1/users/me`.

use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/users/me", get_me).success("The current user")
}

/// Show the current user.
///
/// The one whose access token was sent.
#[api_v2_operation(operation_id = "get_me", tags("User Management"))]
async fn get_me(caller: RestrictedCaller) -> Answer<Reply<User>> {
    Ok(Reply(User::from(&*caller.user)))
}
