//! `/api/auth/users*`, for administrators.

use actix_web::web::{Data, Json};
use menjin_domain::access::rights::{UsersRead, UsersWrite};
use paperclip::actix::api_v2_operation;

use super::bodies::UsersQuery;
use super::views::{Envelope, Nothing, UsersData, success};
use crate::failure::Failure;
use crate::http::caller::{After, Authorized};
use crate::http::locale::Locale;
use crate::http::path::UserIdParam;
use crate::http::query::Query;
use crate::messages::Message;
use crate::state::Api;

/// List users.
///
/// For administrators. In the order of their ids, page by page: the id of the last user of a page,
/// sent as `after_id`, gives the page after it, whoever has come or gone meanwhile.
#[api_v2_operation(operation_id = "envelope_list_users", tags("Administration (envelope)"))]
pub(super) async fn list(
    api: Data<Api>,
    After(Authorized(allowed), query): After<Authorized<UsersRead>, Query<UsersQuery>>,
    locale: Locale,
) -> Result<Json<Envelope<UsersData>>, Failure> {
    let page = api.services.list_users.execute(&allowed, query.to_query()?).await?;
    Ok(success(Message::UsersListed, locale, UsersData::from(&page)))
}

/// Activate a user.
///
/// For administrators. Lifts the lock that failed log-ins have put on the account, too.
#[api_v2_operation(operation_id = "envelope_activate_user", tags("Administration (envelope)"))]
pub(super) async fn activate(
    api: Data<Api>,
    After(Authorized(allowed), id): After<Authorized<UsersWrite>, UserIdParam>,
    locale: Locale,
) -> Result<Json<Envelope<Nothing>>, Failure> {
    api.services.activate_user.execute(&allowed, id.0).await?;
    Ok(success(Message::UserActivated, locale, Nothing))
}

/// Deactivate a user.
///
/// For administrators. The user's tokens stop working at once. The last active administrator cannot
/// be deactivated.
#[api_v2_operation(operation_id = "envelope_deactivate_user", tags("Administration (envelope)"))]
pub(super) async fn deactivate(
    api: Data<Api>,
    After(Authorized(allowed), id): After<Authorized<UsersWrite>, UserIdParam>,
    locale: Locale,
) -> Result<Json<Envelope<Nothing>>, Failure> {
    api.services.deactivate_user.execute(&allowed, id.0).await?;
    Ok(success(Message::UserDeactivated, locale, Nothing))
}
