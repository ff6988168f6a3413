//! `/account/second-factor`: sets an authenticator app or passkeys up, and takes them away.

use menjin_domain::access::{Principal, Restriction};
use menjin_domain::credentials::CandidatePassword;
use menjin_domain::mfa::{Factors, RecoveryCodes, TotpEnrolment};
use menjin_domain::passkeys::{Passkey, PasskeyCreation, PasskeyId, PasskeyName};
use menjin_web::Locale;
use menjin_web::problem::{FieldError, Place, Problem};
use menjin_web::values::{PasskeyAnswer, Token};
use secrecy::ExposeSecret as _;

use super::form::{CodeIfAny, IfAny, PageForm};
use super::navigation;
use super::page::{Page, moment, see_other};
use super::parts::{Button, Field, Item, ItemButton};
use super::visitor::Visitor;
use crate::prelude::*;
use crate::v1::{CreationOptions, qr_code};

const PATH: &str = "/account/second-factor";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = navigation::SECOND_FACTOR;
const APP: Text = Text { zh: "使用验证器应用", en: "Use an authenticator app" };
const OTHER_APP: Text = Text { zh: "更换验证器应用", en: "Use another app" };
const PASSKEY: Text = Text { zh: "添加通行密钥", en: "Add a passkey" };
const RENEW: Text = Text { zh: "生成新的恢复码", en: "Make new recovery codes" };
const REMOVE_APP: Text = Text { zh: "移除验证器应用", en: "Remove the app" };
const REMOVE: Text = Text { zh: "移除", en: "Remove" };
const DONE: Text = Text { zh: "已完成。", en: "It is done." };
const IS_ON: Text = Text {
    zh: "两步验证已启用：登录时除密码外还需要验证器应用的验证码或通行密钥。更改以下内容需要密码和其中一种。",
    en: "It is on: each login asks for a code of your app or for a passkey beside the password. Whatever you \
         change here needs the password and one of them.",
};
const IS_OFF: Text = Text {
    zh: "启用后，登录时除密码外还需要验证器应用（TOTP）中的六位验证码，或通行密钥。",
    en: "With it, a login asks for six digits of an authenticator app (TOTP), or for a passkey, beside the \
         password.",
};
const MUST: Text = Text {
    zh: "您的角色必须启用两步验证，请先设置。",
    en: "Your role needs a second factor. Set it up first.",
};

request! {
    struct FactorForm {
        current_password: Optional<CandidatePassword>,
        code: Nullable<CodeIfAny>,
        /// What the passkey that is made is to be called.
        name: Nullable<IfAny<PasskeyName>>,
        /// The passkey that the browser has made.
        credential: Optional<PasskeyAnswer>,
        /// The passkey to remove.
        item: Nullable<IfAny<PasskeyId>>,
        action: Optional<Token>,
    }
}

/// What there is, and what can be done.
fn form(visitor: &Visitor, caller: &Principal, factors: &Factors) -> Page {
    let mut page = visitor.page(TITLE);
    if caller.restriction == Some(Restriction::FactorEnrolment) {
        page.lines.push(MUST);
    }
    page.lines.push(if caller.user.has_factor { IS_ON } else { IS_OFF });
    page.items = factors.passkeys.iter().map(|passkey| item(passkey, page.locale)).collect();
    page.fields = vec![Field::current_password("current_password")];
    if caller.user.has_factor {
        page.fields.push(Field::code());
    }
    let app = if factors.has_app { OTHER_APP } else { APP };
    page.buttons = vec![Button::new("begin", app)];
    if visitor.knows_passkeys() {
        page.buttons.push(Button::new("begin-passkey", PASSKEY));
    }
    if caller.user.has_factor {
        page.buttons.push(Button::new("renew", RENEW));
    }
    if factors.has_app {
        page.buttons.push(Button::danger("remove", REMOVE_APP));
    }
    page
}

/// A passkey that there is.
fn item(passkey: &Passkey, locale: Locale) -> Item {
    let added = Text { zh: "添加于", en: "Added" }.in_locale(locale);
    let mut details = vec![format!("{added} {}", moment(passkey.created_at))];
    if let Some(at) = passkey.last_used_at {
        let used = Text { zh: "最近使用", en: "Last used" }.in_locale(locale);
        details.push(format!("{used} {}", moment(at)));
    }
    Item {
        title: passkey.name.as_str().to_owned(),
        details,
        buttons: vec![ItemButton::danger(passkey.id.to_string(), REMOVE)],
        ..Item::default()
    }
}

/// The page on which the browser makes a passkey.
fn making(visitor: &Visitor, creation: PasskeyCreation) -> Page {
    let mut page = visitor.page(TITLE).saying(Text {
        zh: "给通行密钥起一个名字，例如设备的名称，然后按浏览器的提示操作。",
        en: "Give the passkey a name, such as that of the device, and do what your browser asks for.",
    });
    let options = serde_json::to_string(&CreationOptions::from(creation)).unwrap_or_default();
    let label = Text { zh: "名称", en: "Name" };
    page.fields = vec![
        Field::text("name", label, "off", ""),
        Field::hidden("options", options),
        Field::credential(),
    ];
    page.buttons = vec![Button::new("add-passkey", PASSKEY)];
    page.links = vec![("second-factor".into(), Text { zh: "取消", en: "Cancel" })];
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

async fn show(api: Data<Api>, visitor: Visitor) -> Answer<HttpResponse> {
    let caller = visitor.member_under(&[Restriction::FactorEnrolment])?;
    let factors = api.services.list_factors.execute(caller).await?;
    let page = form(&visitor, caller, &factors);
    match visitor.parameter("done") {
        Some(_) => page.noting(DONE).respond(),
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
    let factors = api.services.list_factors.execute(caller).await?;
    let again = || match action.as_str() {
        "confirm" => confirming_again(&visitor),
        _ => form(&visitor, caller, &factors),
    };
    let fields = match sent.fields {
        Ok(fields) => fields,
        Err(error) => return again().refuse(error),
    };
    let (current, code) = (fields.current_password.value()?, fields.code.value()?);
    let (name, credential) = (fields.name.value()?, fields.credential.value()?);
    let (services, request) = (&api.services, client.0);
    if action == "confirm" {
        let Some(code) = code else { return again().respond() };
        return match services.confirm_totp.execute(caller, &code, request).await {
            Ok(shown) => {
                let page = codes(&visitor, &shown).respond()?;
                renewed(&api, &visitor, caller, page).await
            }
            Err(error) => again().refuse(error),
        };
    }
    if action == "add-passkey" {
        let Some(name) = name else { return again().refuse(required("name")) };
        let answer = credential.unwrap_or_default();
        return match services.add_passkey.execute(caller, name, &answer, request).await {
            Ok(added) => {
                let page = match &added.recovery_codes {
                    Some(shown) => codes(&visitor, shown).respond()?,
                    None => see_other("second-factor?done"),
                };
                renewed(&api, &visitor, caller, page).await
            }
            Err(error) => again().refuse(error),
        };
    }
    let Some(current) = current else { return again().refuse(required("current_password")) };
    let code = code.as_ref();
    let done = match (action.as_str(), fields.item.value()?) {
        (_, Some(passkey)) => {
            let remove = &services.remove_passkey;
            let removed = remove.execute(caller, passkey, &current, code, request).await;
            removed.map_err(ApiError::from)
        }
        ("begin", _) => match services.enrol_totp.execute(caller, &current, code, request).await {
            Ok(begun) => return confirming(&visitor, &begun).respond(),
            Err(error) => Err(ApiError::from(error)),
        },
        ("begin-passkey", _) => {
            match services.begin_passkey.execute(caller, &current, code, request).await {
                Ok(creation) => return making(&visitor, creation).respond(),
                Err(error) => Err(ApiError::from(error)),
            }
        }
        ("renew", _) => {
            match services.renew_recovery_codes.execute(caller, &current, code, request).await {
                Ok(shown) => return codes(&visitor, &shown).respond(),
                Err(error) => Err(ApiError::from(error)),
            }
        }
        ("remove", _) => {
            let removed = services.disable_mfa.execute(caller, &current, code, request).await;
            removed.map_err(ApiError::from)
        }
        _ => return again().respond(),
    };
    match done {
        Ok(()) => Ok(see_other("second-factor?done")),
        Err(error) => again().refuse(error),
    }
}

/// The answer with another cookie: the session has a factor from now on.
async fn renewed(
    api: &Api,
    visitor: &Visitor,
    caller: &Principal,
    mut answer: HttpResponse,
) -> Answer<HttpResponse> {
    visitor.renew_cookie(api, caller, &mut answer).await?;
    Ok(answer)
}

/// The field has to be filled in for what was asked.
fn required(field: &'static str) -> ApiError {
    FieldError { place: Place::Body, field: Some(field.into()), problem: Problem::Missing }.into()
}
