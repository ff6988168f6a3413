//! `GET /api/auth/me`.

use actix_web::http::Method;
use menjin_web::Text;
use paperclip::actix::api_v2_operation;

use crate::endpoint::Endpoint;
use crate::envelope::responses::{Success, UserData};
use crate::http::caller::Caller;
use crate::http::reply::Answer;

const DONE: Text = Text { zh: "获取用户信息成功", en: "User retrieved" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/auth/me", get_me).success("The current user").message(DONE)
}

/// Show the current user.
///
/// The one whose access token was sent.
#[api_v2_operation(operation_id = "envelope_get_me", tags("Authentication (envelope)"))]
async fn get_me(caller: Caller) -> Answer<Success<UserData>> {
    Ok(Success(DONE, UserData::from(&*caller.user)))
}
