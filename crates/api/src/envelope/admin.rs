//! `/api/auth/users*`, for administrators.

use actix_web::web::{Data, Json};

use super::bodies::UsersQuery;
use super::views::{Envelope, NOTHING, UserData, UsersData, success};
use crate::failure::Failure;
use crate::http::caller::{After, Caller};
use crate::http::locale::Locale;
use crate::http::path::UserIdParam;
use crate::http::query::Query;
use crate::messages::Message;
use crate::state::Api;

/// `GET /api/auth/users`.
pub(super) async fn list(
    api: Data<Api>,
    After(caller, query): After<Caller, Query<UsersQuery>>,
    locale: Locale,
) -> Result<Json<Envelope<UsersData>>, Failure> {
    let page = api.use_cases.list_users.execute(&caller, query.to_query()?).await?;
    Ok(success(Message::UsersListed, locale, UsersData::from(&page)))
}

/// `PUT /api/auth/users/{user_id}/activate`.
pub(super) async fn activate(
    api: Data<Api>,
    After(caller, id): After<Caller, UserIdParam>,
    locale: Locale,
) -> Result<Json<Envelope<Option<UserData>>>, Failure> {
    api.use_cases.activate_user.execute(&caller, id.0).await?;
    Ok(success(Message::UserActivated, locale, NOTHING))
}

/// `PUT /api/auth/users/{user_id}/deactivate`.
pub(super) async fn deactivate(
    api: Data<Api>,
    After(caller, id): After<Caller, UserIdParam>,
    locale: Locale,
) -> Result<Json<Envelope<Option<UserData>>>, Failure> {
    api.use_cases.deactivate_user.execute(&caller, id.0).await?;
    Ok(success(Message::UserDeactivated, locale, NOTHING))
}
