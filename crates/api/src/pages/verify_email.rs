//! `/account/verify-email`: looks at the account first, and then verifies its address, or deletes an
//! account that somebody else made with it.

use menjin_domain::accounts::{EmailProof, VerifyEmailInput};
use menjin_domain::common::Error;
use menjin_domain::one_time::{OneTimeToken, TokenInvalid};
use menjin_web::values::Token;

use super::form::PageForm;
use super::page::{Page, moment};
use super::parts::{Button, Field};
use super::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/account/verify-email";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = Text { zh: "验证邮箱", en: "Verify your e-mail address" };
const VERIFY: Text = Text { zh: "验证邮箱", en: "Verify the address" };
const DISOWN: Text = Text { zh: "这不是我", en: "This was not me" };

request! {
    struct VerifyEmailForm {
        token: Required<Token>,
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
    body: PageForm<VerifyEmailForm>,
) -> Answer<HttpResponse> {
    let (sent, action) = (body.typed("token"), body.typed("action"));
    let invalid = || refused(&visitor, ErrorKind::TokenInvalid);
    let Ok(token) = OneTimeToken::parse(&sent) else { return invalid() };
    let verify_email = &api.services.verify_email;
    match action.as_str() {
        "verify" => {
            let input = VerifyEmailInput { token, current: None, code: None, request: client.0 };
            match verify_email.execute(input).await {
                Ok(_user) => done(
                    &visitor,
                    Text {
                        zh: "邮箱验证成功。您可以关闭此页面。",
                        en: "Your address is verified. You may close this page.",
                    },
                ),
                Err(error) => refused(&visitor, error),
            }
        }
        "disown" => match api.services.disown_account.execute(&token, client.0).await {
            Ok(()) => done(&visitor, Text { zh: "该账户已删除。", en: "The account was deleted." }),
            Err(Error::Refused(TokenInvalid)) => invalid(),
            Err(error) => Err(error.into()),
        },
        _ => {
            let Some(proof) = verify_email.look(&token).await? else { return invalid() };
            about(proof, &token, &visitor).respond()
        }
    }
}

/// What the link does, and for whom.
fn about(proof: EmailProof, token: &OneTimeToken, visitor: &Visitor) -> Page {
    let mut page = visitor.page(TITLE);
    page.fields = vec![Field::token(token.expose())];
    page.buttons = vec![Button::new("verify", VERIFY)];
    let (holder, address, at) = match proof {
        EmailProof::Own(holder) => {
            if !holder.is_proved {
                page.buttons.push(Button::danger("disown", DISOWN).alone());
                page.lines = vec![Text {
                    zh: "如果这是您的账户，请验证邮箱；如果不是您注册的，选择“这不是我”将删除该账户。",
                    en: "If this is your account, verify the address. If you did not make it, \
                         “This was not me” deletes it.",
                }];
            }
            let at = (Text { zh: "注册时间", en: "Registered" }, moment(holder.user.created_at));
            let address = holder.user.email.as_str().to_owned();
            (holder, address, at)
        }
        EmailProof::Another(holder) => {
            page.lines = vec![Text {
                zh: "验证后，该账户将改用此邮箱。如果不是您的账户，请关闭此页面：什么都不会改变。",
                en: "If you verify it, the account has this address from then on. If it is not your \
                     account, close this page: nothing changes.",
            }];
            let at = (Text { zh: "请求时间", en: "Asked for" }, moment(holder.created_at));
            let pending = holder.user.pending_email.as_ref();
            let address = pending.map(|email| email.as_str().to_owned()).unwrap_or_default();
            (holder, address, at)
        }
    };
    page.facts = vec![
        (Text { zh: "用户名", en: "User name" }, holder.user.username.as_str().to_owned()),
        (Text { zh: "邮箱", en: "E-mail address" }, address),
        at,
        (Text { zh: "请求来自", en: "Asked for from" }, holder.client.network().to_string()),
    ];
    page
}

fn done(visitor: &Visitor, text: Text) -> Answer<HttpResponse> {
    visitor.page(TITLE).noting(text).with_login().respond()
}

fn refused(visitor: &Visitor, error: impl Into<ApiError>) -> Answer<HttpResponse> {
    visitor.page(TITLE).asking_for_token().refuse(error)
}
