//! `POST /api/v1/users/{user_id}/activate`.

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
    Endpoint::new(Method::POST, "/api/v1/users/{user_id}/activate", activate)
        .success("The user is active")
        .refusals(&[ErrorKind::UserNotFound])
}

/// Activate a user.
///
/// For administrators. Lifts the lock that failed log-ins have put on the account, too. Activating an active user
/// changes nothing.
#[api_v2_operation(operation_id = "activate_user", tags("User Management"))]
async fn activate(
    api: Data<Api>,
    Ordered(caller, Path(id)): Ordered<Administrator, Path<UserId>>,
    client: Client,
) -> Answer<Reply<User>> {
    let user = api.use_cases.activate_user.execute(&caller, id, client.0).await?;
    Ok(Reply(User::from(&user)))
}
