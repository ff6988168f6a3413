//! `GET /api/v1/users/{user_id}`.

use actix_web::http::Method;
use actix_web::web::Data;
use menjin_domain::common::UserId;
use menjin_web::ErrorKind;
use paperclip::actix::api_v2_operation;

use crate::endpoint::Endpoint;
use crate::http::caller::{Administrator, Ordered};
use crate::http::client::Client;
use crate::http::path::Path;
use crate::http::reply::{Answer, Reply};
use crate::state::Api;
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
