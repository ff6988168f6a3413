//! `GET /api/v1/auth/check`.

use actix_web::http::header::{HeaderName, HeaderValue};

use crate::http::caller::PageCaller;
use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/auth/check", check)
        .empty_answer(204, "Somebody is logged in: `X-Menjin-User` and `X-Menjin-Role` say who")
}

const USER: HeaderName = HeaderName::from_static("x-menjin-user");
const ROLE: HeaderName = HeaderName::from_static("x-menjin-role");

/// Check who is logged in, for a proxy in front of an application.
///
/// For nginx's `auth_request` and the like: by the access token, or by the cookie of the pages.
/// `X-Menjin-User` is the id of the user.
#[api_v2_operation(operation_id = "check_login", tags("Authentication"))]
async fn check(caller: PageCaller) -> Answer<HttpResponse> {
    let header = |text: &str| HeaderValue::from_str(text).map_err(|_odd| ErrorKind::Internal);
    let mut response = HttpResponse::NoContent().finish();
    response.headers_mut().insert(USER, header(&caller.user.id.to_string())?);
    response.headers_mut().insert(ROLE, header(caller.user.role.as_str())?);
    Ok(response)
}
