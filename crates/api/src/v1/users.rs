//! `/api/v1/users/*`.

use actix_web::web::{Data, Json};
use menjin_domain::access::rights::{UsersRead, UsersUnlock, UsersWrite};
use paperclip::actix::api_v2_operation;

use super::bodies::UpdateBody;
use super::views::{LockView, MessageView, UserView};
use crate::failure::Failure;
use crate::http::body::Body;
use crate::http::caller::{After, Authorized, Caller};
use crate::http::client::Client;
use crate::http::locale::Locale;
use crate::http::path::UserIdParam;
use crate::messages::Message;
use crate::state::Api;

/// Show the current user.
///
/// The one whose access token was sent.
#[api_v2_operation(operation_id = "get_me", tags("User Management"))]
pub(super) async fn me(caller: Caller) -> Json<UserView> {
    Json(UserView::from(&*caller.user))
}

/// Update the current user's profile.
///
/// A field that is absent stays as it is; `null` or an empty text clears one that may be null. A
/// changed e-mail address is no longer verified.
#[api_v2_operation(operation_id = "update_me", tags("User Management"))]
pub(super) async fn update_me(
    api: Data<Api>,
    After(caller, body): After<Caller, Body<UpdateBody>>,
    client: Client,
) -> Result<Json<UserView>, Failure> {
    let changes = body.to_changes(&api)?;
    let user = api.services.update_profile.execute(&caller, changes, client.0).await?;
    Ok(Json(UserView::from(&user)))
}

/// Show a user.
///
/// For administrators.
#[api_v2_operation(operation_id = "get_user", tags("User Management"))]
pub(super) async fn get_user(
    api: Data<Api>,
    After(Authorized(allowed), id): After<Authorized<UsersRead>, UserIdParam>,
) -> Result<Json<UserView>, Failure> {
    let user = api.services.get_user.execute(&allowed, id.0).await?;
    Ok(Json(UserView::from(&user)))
}

/// Activate a user.
///
/// For administrators. Lifts the lock that failed log-ins have put on the account, too. Activating an active user
/// changes nothing.
#[api_v2_operation(operation_id = "activate_user", tags("User Management"))]
pub(super) async fn activate(
    api: Data<Api>,
    After(Authorized(allowed), id): After<Authorized<UsersWrite>, UserIdParam>,
) -> Result<Json<UserView>, Failure> {
    let user = api.services.activate_user.execute(&allowed, id.0).await?;
    Ok(Json(UserView::from(&user)))
}

/// Deactivate a user.
///
/// For administrators. The user's tokens stop working at once. The last active administrator cannot be deactivated.
#[api_v2_operation(operation_id = "deactivate_user", tags("User Management"))]
pub(super) async fn deactivate(
    api: Data<Api>,
    After(Authorized(allowed), id): After<Authorized<UsersWrite>, UserIdParam>,
) -> Result<Json<UserView>, Failure> {
    let user = api.services.deactivate_user.execute(&allowed, id.0).await?;
    Ok(Json(UserView::from(&user)))
}

/// Show whether failed log-ins have locked a user.
///
/// For administrators. Failures are counted for the account, and for each network that they come
/// from; those whose time has passed are not shown.
#[api_v2_operation(operation_id = "get_user_lock", tags("User Management"))]
pub(super) async fn lock(
    api: Data<Api>,
    After(Authorized(allowed), id): After<Authorized<UsersUnlock>, UserIdParam>,
) -> Result<Json<LockView>, Failure> {
    let lock = api.services.get_lockout.execute(&allowed, id.0).await?;
    Ok(Json(LockView::from(&lock)))
}

/// Lift the lock of a user.
///
/// For administrators. Forgets the failed log-ins of the account, from wherever they came. Limits on
/// a network as a whole stay. Lifting no lock changes nothing.
#[api_v2_operation(operation_id = "lift_user_lock", tags("User Management"))]
pub(super) async fn lift_lock(
    api: Data<Api>,
    After(Authorized(allowed), id): After<Authorized<UsersUnlock>, UserIdParam>,
    locale: Locale,
) -> Result<Json<MessageView>, Failure> {
    api.services.clear_lockout.execute(&allowed, id.0).await?;
    Ok(Json(MessageView::new(Message::LockoutCleared, locale)))
}
