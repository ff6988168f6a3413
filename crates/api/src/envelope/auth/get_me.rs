//! `GET /api/auth/me`.

use crate::envelope::responses::{Success, UserData};
use crate::prelude::*;

const DONE: Text = Text { zh: "获取用户信息成功", en: "User retrieved" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/auth/me", get_me).success("The current user").message(DONE)
}

/// Show the current user.
///
/// The one whose access token was sent.
#[api_v2_operation(operation_id = "envelope_get_me", tags("Authentication (envelope)"))]
async fn get_me(caller: RestrictedCaller) -> Answer<Success<UserData>> {
    Ok(Success(DONE, UserData::from(&*caller.user)))
}
