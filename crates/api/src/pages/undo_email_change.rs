//! `/account/undo-email-change`: takes back a change of the address by the link in the mail about it.

use menjin_domain::mfa::FactorCode;
use menjin_domain::one_time::OneTimeToken;
use menjin_web::values::Token;

use super::form::PageForm;
use super::page::{Page, moment};
use super::parts::{Button, Field};
use super::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/account/undo-email-change";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = Text { zh: "撤销邮箱更换", en: "Undo the change of your e-mail address" };
const UNDO: Text = Text { zh: "恢复此邮箱", en: "Give me this address back" };
const UNDONE: Text = Text {
    zh: "邮箱已恢复，所有会话均已结束。如果密码也被他人更改，请在24小时后通过“忘记密码”重设。",
    en: "The address is back, and all sessions have ended. If somebody has changed your password as \
         well, ask for a new one in 24 hours.",
};

request! {
    struct UndoEmailChangeForm {
        token: Required<Token>,
        /// Of the second factor, once it was asked for.
        code: Optional<Token>,
        action: Optional<Token>,
    }
}

async fn show(visitor: Visitor) -> Answer<HttpResponse> {
    visitor.page(TITLE).asking_for_token().respond()
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    body: PageForm<UndoEmailChangeForm>,
) -> Answer<HttpResponse> {
    let (sent, action, code) = (body.typed("token"), body.typed("action"), body.typed("code"));
    let code = Some(code).filter(|code| !code.trim().is_empty());
    let Ok(token) = OneTimeToken::parse(&sent) else { return invalid(&visitor) };
    let undo_email_change = &api.services.undo_email_change;
    if action == "undo" {
        let refuse = |error: ApiError| asking_for_code(&token, &visitor).refuse(error);
        let code = match code.as_deref().map(FactorCode::parse).transpose() {
            Ok(code) => code,
            Err(_none) => return refuse(ErrorKind::WrongCode.into()),
        };
        let undone = undo_email_change.execute(&token, code.as_ref(), client.0).await;
        return match undone.map_err(ApiError::from) {
            Ok(_user) => visitor.page(TITLE).noting(UNDONE).with_login().respond(),
            Err(error) if error.kind == ErrorKind::TokenInvalid => invalid(&visitor),
            Err(error) => refuse(error),
        };
    }
    let Some(holder) = undo_email_change.look(&token).await? else { return invalid(&visitor) };
    let address = holder.gives_back.map(|email| email.as_str().to_owned());
    let mut page = visitor.page(TITLE);
    page.facts = vec![
        (Text { zh: "用户名", en: "User name" }, holder.user.username.as_str().to_owned()),
        (Text { zh: "原邮箱", en: "Address before" }, address.unwrap_or_default()),
        (Text { zh: "更换时间", en: "Changed" }, moment(holder.created_at)),
        (Text { zh: "更换来自", en: "Changed from" }, holder.client.network().to_string()),
    ];
    page.lines = vec![Text {
        zh: "如果不是您更换了邮箱，请恢复原邮箱：所有会话将立即结束。",
        en: "If it was not you who changed the address, take it back: all sessions end at once.",
    }];
    page.fields = vec![Field::token(token.expose())];
    page.buttons = vec![Button::new("undo", UNDO)];
    page.respond()
}

/// The form once more, for whoever has a second factor.
fn asking_for_code(token: &OneTimeToken, visitor: &Visitor) -> Page {
    let mut page = visitor.page(TITLE);
    page.takes_passkeys = visitor.knows_passkeys();
    page.fields = vec![Field::token(token.expose()), Field::code()];
    page.buttons = vec![Button::new("undo", UNDO)];
    page
}

fn invalid(visitor: &Visitor) -> Answer<HttpResponse> {
    visitor.page(TITLE).asking_for_token().refuse(ErrorKind::TokenInvalid)
}
