//! `/api/v1/users/*`.

use actix_web::web::{Data, Json};

use super::bodies::UpdateBody;
use super::views::UserView;
use crate::failure::Failure;
use crate::http::body::Body;
use crate::http::caller::{After, Caller};
use crate::http::path::UserIdParam;
use crate::state::Api;

/// `GET /api/v1/users/me`.
pub(super) async fn me(caller: Caller) -> Json<UserView> {
    Json(UserView::from(&caller.user))
}

/// `PUT /api/v1/users/me`.
pub(super) async fn update_me(
    api: Data<Api>,
    After(caller, body): After<Caller, Body<UpdateBody>>,
) -> Result<Json<UserView>, Failure> {
    let user = api.use_cases.update_profile.execute(&caller, body.to_changes(&api)?).await?;
    Ok(Json(UserView::from(&user)))
}

/// `GET /api/v1/users/{user_id}`.
pub(super) async fn get_user(
    api: Data<Api>,
    After(caller, id): After<Caller, UserIdParam>,
) -> Result<Json<UserView>, Failure> {
    let user = api.use_cases.get_user.execute(&caller, id.0).await?;
    Ok(Json(UserView::from(&user)))
}

/// `POST /api/v1/users/{user_id}/activate`.
pub(super) async fn activate(
    api: Data<Api>,
    After(caller, id): After<Caller, UserIdParam>,
) -> Result<Json<UserView>, Failure> {
    let user = api.use_cases.activate_user.execute(&caller, id.0).await?;
    Ok(Json(UserView::from(&user)))
}

/// `POST /api/v1/users/{user_id}/deactivate`.
pub(super) async fn deactivate(
    api: Data<Api>,
    After(caller, id): After<Caller, UserIdParam>,
) -> Result<Json<UserView>, Failure> {
    let user = api.use_cases.deactivate_user.execute(&caller, id.0).await?;
    Ok(Json(UserView::from(&user)))
}
