//! `POST /api/v1/users/{user_id}/deactivate`.

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
    Endpoint::new(Method::POST, "/api/v1/users/{user_id}/deactivate", deactivate)
        .success("The user is not active")
        .refusals(&[ErrorKind::UserNotFound, ErrorKind::LastAdmin])
}

/// Deactivate a user.
///
/// For administrators. The user's tokens stop working at once. The last active administrator cannot be
/// deactivated.
#[api_v2_operation(operation_id = "deactivate_user", tags("User Management"))]
async fn deactivate(
    api: Data<Api>,
    Ordered(caller, Path(id)): Ordered<Administrator, Path<UserId>>,
    client: Client,
) -> Answer<Reply<User>> {
    let user = api.use_cases.deactivate_user.execute(&caller, id, client.0).await?;
    Ok(Reply(User::from(&user)))
}
