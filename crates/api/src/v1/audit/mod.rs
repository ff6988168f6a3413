//! `/api/v1/audit`.

mod query;
mod views;

use actix_web::web::{Data, Json};
use menjin_domain::access::rights::AuditRead;
use paperclip::actix::api_v2_operation;

use crate::failure::Failure;
use crate::http::caller::{After, Authorized};
use crate::http::query::Query;
use crate::state::Api;

pub(crate) use query::DEFAULT_LIMIT;
pub use views::AuditEventView;

/// Show what happened.
///
/// For administrators. The newest comes first; `next` of a page, sent as `before`, gives the page
/// after it. Events of the last few seconds may still be missing.
#[api_v2_operation(operation_id = "list_audit_events", tags("Audit"))]
pub(super) async fn list(
    api: Data<Api>,
    After(Authorized(allowed), query): After<Authorized<AuditRead>, Query<query::AuditQuery>>,
) -> Result<Json<views::AuditPageView>, Failure> {
    let input = query.to_input()?;
    let page = api.services.list_records.execute(&allowed, input).await?;
    Ok(Json(views::AuditPageView::from(&page)))
}
