//! `/api/v1/auth/*`.

use actix_web::web::{Data, Json};
use menjin_domain::sessions::LoginInput;
use paperclip::actix::{CreatedJson, api_v2_operation};

use super::bodies::{ChangePasswordBody, LoginBody, RefreshBody, RegisterBody};
use super::views::{MessageView, TokenView, UserView};
use crate::failure::Failure;
use crate::http::body::Body;
use crate::http::caller::{After, Caller};
use crate::http::client::Client;
use crate::http::locale::Locale;
use crate::messages::Message;
use crate::state::Api;

/// Register a new user.
///
/// The user gets the role that the server gives to registrations, and may log in at once.
#[api_v2_operation(operation_id = "register", tags("Authentication"))]
pub(super) async fn register(
    api: Data<Api>,
    client: Client,
    body: Body<RegisterBody>,
) -> Result<CreatedJson<UserView>, Failure> {
    let user = api.services.register.execute(body.to_input(&api, client.0)?).await?;
    Ok(CreatedJson(UserView::from(&user)))
}

/// Log in and get an access token and a refresh token.
///
/// Takes JSON or the form of OAuth2's password grant. `username` is a user name or an e-mail
/// address.
#[api_v2_operation(operation_id = "login", tags("Authentication"))]
pub(super) async fn login(
    api: Data<Api>,
    client: Client,
    body: Body<LoginBody>,
) -> Result<Json<TokenView>, Failure> {
    let (name, password) = body.to_credentials(&api)?;
    let input = LoginInput { name, password, request: client.0 };
    let logged_in = api.services.login.execute(input).await?;
    Ok(Json(TokenView::from(&logged_in.tokens)))
}

/// Trade a refresh token for a new pair of tokens.
///
/// A refresh token works once. Presenting one again later ends its session.
#[api_v2_operation(operation_id = "refresh_tokens", tags("Authentication"))]
pub(super) async fn refresh(
    api: Data<Api>,
    client: Client,
    body: Body<RefreshBody>,
) -> Result<Json<TokenView>, Failure> {
    let tokens = api.services.refresh.execute(&body.to_token(&api)?, client.0).await?;
    Ok(Json(TokenView::from(&tokens)))
}

/// Change one's own password.
///
/// Every other session of the user ends.
#[api_v2_operation(operation_id = "change_password", tags("Authentication"))]
pub(super) async fn change_password(
    api: Data<Api>,
    After(caller, body): After<Caller, Body<ChangePasswordBody>>,
    client: Client,
    locale: Locale,
) -> Result<Json<MessageView>, Failure> {
    let input = body.to_input(&api, client.0)?;
    api.services.change_password.execute(&caller, input).await?;
    Ok(Json(MessageView::new(Message::PasswordChanged, locale)))
}

/// Log out.
///
/// Ends this session: its access token and its refresh token stop working.
#[api_v2_operation(operation_id = "logout", tags("Authentication"))]
pub(super) async fn logout(
    api: Data<Api>,
    caller: Caller,
    client: Client,
    locale: Locale,
) -> Result<Json<MessageView>, Failure> {
    api.services.logout.execute(&caller, client.0).await?;
    Ok(Json(MessageView::new(Message::LoggedOut, locale)))
}
