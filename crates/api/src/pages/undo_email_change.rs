//! `/account/undo-email-change`: takes back a change of the address by the link in the mail about it.

use actix_web::http::StatusCode;
use menjin_domain::common::{Error, rfc3339};
use menjin_domain::one_time::{OneTimeToken, TokenInvalid};
use menjin_web::Locale;
use menjin_web::values::Token;

use super::render::{Field, Page};
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
        action: Optional<Token>,
    }
}

async fn show(context: ReplyContext) -> Answer<HttpResponse> {
    Page::asking_for_token(context.locale, TITLE).respond(StatusCode::OK)
}

async fn act(
    api: Data<Api>,
    client: Client,
    context: ReplyContext,
    body: BodyOrForm<UndoEmailChangeForm>,
) -> Answer<HttpResponse> {
    let locale = context.locale;
    let (sent, action) = (body.0.token.value()?, body.0.action.value()?);
    let Ok(token) = OneTimeToken::parse(&sent) else { return invalid(locale) };
    let undo_email_change = &api.services.undo_email_change;
    if action.as_deref() == Some("undo") {
        return match undo_email_change.execute(&token, client.0).await {
            Ok(_user) => Page::saying(locale, TITLE, UNDONE).respond(StatusCode::OK),
            Err(Error::Refused(TokenInvalid)) => invalid(locale),
            Err(error) => Err(error.into()),
        };
    }
    let Some(holder) = undo_email_change.look(&token).await? else { return invalid(locale) };
    let address = holder.gives_back.map(|email| email.as_str().to_owned());
    let mut page = Page::new(locale, TITLE);
    page.facts = vec![
        (Text { zh: "用户名", en: "User name" }, holder.user.username.as_str().to_owned()),
        (Text { zh: "原邮箱", en: "Address before" }, address.unwrap_or_default()),
        (Text { zh: "更换时间", en: "Changed" }, rfc3339(holder.created_at)),
        (Text { zh: "更换来自", en: "Changed from" }, holder.client.network().to_string()),
    ];
    page.lines = vec![Text {
        zh: "如果不是您更换了邮箱，请恢复原邮箱：所有会话将立即结束。",
        en: "If it was not you who changed the address, take it back: all sessions end at once.",
    }];
    page.fields = vec![Field::token(token.expose(), locale)];
    page.buttons = vec![("undo", UNDO)];
    page.respond(StatusCode::OK)
}

fn invalid(locale: Locale) -> Answer<HttpResponse> {
    Page::asking_for_token(locale, TITLE).refuse(ErrorKind::TokenInvalid)
}
