//! `/api/v1/auth/*`.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use menjin_domain::auth::LoginInput;

use super::bodies::{ChangePasswordBody, LoginBody, RefreshBody, RegisterBody};
use super::views::{MessageView, TokenView, UserView};
use crate::failure::Failure;
use crate::http::body::Body;
use crate::http::caller::{After, Caller};
use crate::http::client::Client;
use crate::http::locale::Locale;
use crate::messages::Message;
use crate::state::Api;

/// `POST /api/v1/auth/register`.
pub(super) async fn register(
    api: Data<Api>,
    client: Client,
    body: Body<RegisterBody>,
) -> Result<HttpResponse, Failure> {
    let user = api.use_cases.register.execute(body.to_input(&api, client.0)?).await?;
    Ok(HttpResponse::Created().json(UserView::from(&user)))
}

/// `POST /api/v1/auth/login`.
pub(super) async fn login(
    api: Data<Api>,
    client: Client,
    body: Body<LoginBody>,
) -> Result<Json<TokenView>, Failure> {
    let (name, password) = body.to_credentials(&api)?;
    let input = LoginInput { name, password, client: client.0 };
    let logged_in = api.use_cases.login.execute(input).await?;
    Ok(Json(TokenView::from(&logged_in.tokens)))
}

/// `POST /api/v1/auth/refresh`.
pub(super) async fn refresh(
    api: Data<Api>,
    body: Body<RefreshBody>,
) -> Result<Json<TokenView>, Failure> {
    let tokens = api.use_cases.refresh.execute(&body.to_token(&api)?).await?;
    Ok(Json(TokenView::from(&tokens)))
}

/// `POST /api/v1/auth/change-password`.
pub(super) async fn change_password(
    api: Data<Api>,
    After(caller, body): After<Caller, Body<ChangePasswordBody>>,
    client: Client,
    locale: Locale,
) -> Result<Json<MessageView>, Failure> {
    let input = body.to_input(&api, client.0)?;
    api.use_cases.change_password.execute(&caller, input).await?;
    Ok(Json(MessageView::new(Message::PasswordChanged, locale)))
}

/// `POST /api/v1/auth/logout`.
pub(super) async fn logout(
    api: Data<Api>,
    caller: Caller,
    locale: Locale,
) -> Result<Json<MessageView>, Failure> {
    api.use_cases.logout.execute(&caller).await?;
    Ok(Json(MessageView::new(Message::LoggedOut, locale)))
}
