//! `/account/second-factor`: sets an authenticator app up, and takes it away.

use menjin_domain::access::{Principal, Restriction};
use menjin_domain::credentials::CandidatePassword;
use menjin_domain::mfa::{RecoveryCodes, TotpEnrolment};
use menjin_web::values::Token;
use secrecy::ExposeSecret as _;

use super::form::{CodeIfAny, PageForm};
use super::navigation;
use super::page::{Page, see_other};
use super::parts::{Button, Field};
use super::visitor::Visitor;
use crate::prelude::*;
use crate::v1::qr_code;

const PATH: &str = "/account/second-factor";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = navigation::SECOND_FACTOR;
const REMOVED: Text = Text { zh: "两步验证已关闭。", en: "No code is asked for any more." };
const MUST: Text = Text {
    zh: "您的角色必须启用两步验证，请先设置。",
    en: "Your role needs a second factor. Set it up first.",
};

request! {
    struct FactorForm {
        current_password: Optional<CandidatePassword>,
        code: Nullable<CodeIfAny>,
        action: Optional<Token>,
    }
}

/// What there is, and what can be done.
fn form(visitor: &Visitor, caller: &Principal) -> Page {
    let mut page = visitor.page(TITLE);
    if caller.restriction == Some(Restriction::FactorEnrolment) {
        page.lines.push(MUST);
    }
    page.fields = vec![Field::current_password("current_password")];
    if caller.user.has_factor {
        page.lines.push(Text {
            zh: "已启用：登录时需要输入验证器应用中的验证码。",
            en: "It is on: each login asks for a code of your authenticator app.",
        });
        page.fields.push(Field::code());
        page.buttons = vec![
            Button::new("renew", Text { zh: "生成新的恢复码", en: "Make new recovery codes" }),
            Button::new("begin", Text { zh: "更换验证器应用", en: "Use another app" }),
            Button::danger("remove", Text { zh: "关闭两步验证", en: "Turn it off" }),
        ];
    } else {
        page.lines.push(Text {
            zh: "启用后，登录时除密码外还需要验证器应用（TOTP）中的六位验证码。",
            en: "With it, a login asks for six digits of an authenticator app (TOTP) beside the password.",
        });
        page.buttons = vec![Button::new("begin", Text { zh: "开始设置", en: "Set it up" })];
    }
    page
}

/// The secret, to be read by an app, and the field for the first code of it.
fn confirming(visitor: &Visitor, begun: &TotpEnrolment) -> Page {
    let mut page = visitor.page(TITLE).saying(Text {
        zh: "用验证器应用扫描二维码，然后输入应用显示的六位验证码。",
        en: "Scan the code with your authenticator app, and enter the six digits that it shows.",
    });
    let shown =
        Text { zh: "验证器应用的二维码", en: "The code for your authenticator app" };
    page.image = Some((qr_code(begun), shown));
    let typed = Text { zh: "或手动输入密钥", en: "Or type this secret" };
    page.facts = vec![(typed, begun.secret.expose_secret().to_owned())];
    page.fields = vec![first_code()];
    page.buttons = vec![Button::new("confirm", Text { zh: "启用", en: "Turn it on" })];
    page
}

fn first_code() -> Field {
    let label = Text { zh: "六位验证码", en: "Six digits" };
    Field::text("code", label, "one-time-code", "")
}

/// The form for the first code once more: the secret is shown once.
fn confirming_again(visitor: &Visitor) -> Page {
    let mut page = visitor.page(TITLE);
    page.fields = vec![first_code()];
    page.buttons = vec![Button::new("confirm", Text { zh: "启用", en: "Turn it on" })];
    page.links = vec![("second-factor".into(), Text { zh: "重新开始", en: "Begin again" })];
    page
}

/// The recovery codes, which are shown once.
fn codes(visitor: &Visitor, codes: &RecoveryCodes) -> Page {
    let mut page = visitor.page(TITLE).noting(Text {
        zh: "请保存这些恢复码：每个可使用一次，丢失手机时用它登录。此后不再显示。",
        en: "Keep these recovery codes: each logs you in once, if you lose your phone. They are not shown again.",
    });
    page.codes = codes.shown();
    page.links = vec![("profile".into(), Text { zh: "我已保存", en: "I have kept them" })];
    page
}

async fn show(visitor: Visitor) -> Answer<HttpResponse> {
    let page = form(&visitor, visitor.member_under(&[Restriction::FactorEnrolment])?);
    match visitor.parameter("done") {
        Some(_) => page.noting(REMOVED).respond(),
        None => page.respond(),
    }
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<FactorForm>,
) -> Answer<HttpResponse> {
    let caller = visitor.member_under(&[Restriction::FactorEnrolment])?;
    let action = sent.typed("action");
    let again =
        || if action == "confirm" { confirming_again(&visitor) } else { form(&visitor, caller) };
    let fields = match sent.fields {
        Ok(fields) => fields,
        Err(error) => return again().refuse(error),
    };
    let (current, code) = (fields.current_password.value()?, fields.code.value()?);
    let (services, request) = (&api.services, client.0);
    let done = match (action.as_str(), current) {
        ("confirm", _) => {
            let Some(code) = code else { return again().respond() };
            match services.confirm_totp.execute(caller, &code, request).await {
                Ok(shown) => {
                    let mut page = codes(&visitor, &shown).respond()?;
                    // The session has the factor from now on, and another cookie.
                    visitor.renew_cookie(&api, caller, &mut page).await?;
                    return Ok(page);
                }
                Err(error) => Err(ApiError::from(error)),
            }
        }
        ("begin", Some(current)) => {
            let begun = services.enrol_totp.execute(caller, &current, code.as_ref(), request).await;
            match begun {
                Ok(begun) => return confirming(&visitor, &begun).respond(),
                Err(error) => Err(ApiError::from(error)),
            }
        }
        ("renew", Some(current)) => {
            let renew = &services.renew_recovery_codes;
            match renew.execute(caller, &current, code.as_ref(), request).await {
                Ok(shown) => return codes(&visitor, &shown).respond(),
                Err(error) => Err(ApiError::from(error)),
            }
        }
        ("remove", Some(current)) => {
            let disable = &services.disable_mfa;
            disable.execute(caller, &current, code.as_ref(), request).await.map_err(ApiError::from)
        }
        _ => return again().respond(),
    };
    match done {
        Ok(()) => Ok(see_other("second-factor?done")),
        Err(error) => again().refuse(error),
    }
}
