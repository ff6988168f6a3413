//! `/account/profile`: what an account says of its owner.

use menjin_domain::accounts::{
    AddressChange, AttributeChanges, AvatarUrl, Bio, FullName, Phone, ProfileChanges,
    UpdateOwnProfileInput, User,
};
use menjin_domain::common::Locale;
use menjin_web::values::Token;

use super::form::PageForm;
use super::navigation;
use super::page::{Page, see_other};
use super::parts::{Button, Field};
use super::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/account/profile";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = navigation::PROFILE;
const DONE: Text = Text { zh: "已保存", en: "Saved" };

/// The languages that somebody can choose.
const LANGUAGES: [(Locale, Text); 2] = [
    (Locale::ZhCn, Text { zh: "中文", en: "中文" }),
    (Locale::En, Text { zh: "English", en: "English" }),
];

request! {
    struct ProfileForm {
        full_name: Patch<FullName>,
        phone: Patch<Phone>,
        bio: Patch<Bio>,
        avatar: Patch<AvatarUrl>,
        locale: Patch<Locale>,
        action: Optional<Token>,
    }
}

/// What the account has in a field.
pub(super) fn stored(user: &User, name: &str) -> String {
    let profile = &user.profile;
    let value = match name {
        "username" => Some(user.username.as_str()),
        "email" => Some(user.email.as_str()),
        "full_name" => profile.full_name.as_ref().map(FullName::as_str),
        "phone" => profile.phone.as_ref().map(Phone::as_str),
        "bio" => profile.bio.as_ref().map(Bio::as_str),
        "avatar" => profile.avatar.as_ref().map(AvatarUrl::as_str),
        _ => user.locale.map(Locale::tag),
    };
    value.unwrap_or_default().to_owned()
}

fn form(visitor: &Visitor, user: &User, value: impl Fn(&str) -> String) -> Page {
    let mut page = visitor.page(TITLE);
    let name = Text { zh: "用户名", en: "User name" };
    let (role, email) =
        (Text { zh: "角色", en: "Role" }, Text { zh: "邮箱", en: "E-mail address" });
    page.facts = vec![
        (name, user.username.as_str().to_owned()),
        (email, user.email.as_str().to_owned()),
        (role, user.role.as_str().to_owned()),
    ];
    let text =
        |name, label, autocomplete| Field::text(name, label, autocomplete, value(name)).optional();
    let own = Text { zh: "跟随浏览器", en: "As the browser asks" };
    let languages = LANGUAGES.map(|(locale, name)| (locale.tag(), name));
    let languages = [("", own)].into_iter().chain(languages).collect();
    let https =
        Text { zh: "以 https:// 开头的图片地址", en: "The https:// address of a picture" };
    page.fields = vec![
        text("full_name", Text { zh: "姓名", en: "Full name" }, "name"),
        text("phone", Text { zh: "电话", en: "Telephone" }, "tel"),
        text("bio", Text { zh: "简介", en: "About me" }, "off").lines(),
        text("avatar", Text { zh: "头像", en: "Picture" }, "photo").with_hint(https),
        Field::choice("locale", Text { zh: "语言", en: "Language" }, &value("locale"), languages),
    ];
    page.buttons = vec![Button::new("save", Text { zh: "保存", en: "Save" })];
    page.links = vec![("delete".into(), super::delete::TITLE)];
    page
}

async fn show(visitor: Visitor) -> Answer<HttpResponse> {
    let user = &visitor.member()?.user;
    let page = form(&visitor, user, |name| stored(user, name));
    match visitor.parameter("done") {
        Some(_) => page.noting(DONE).respond(),
        None => page.respond(),
    }
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<ProfileForm>,
) -> Answer<HttpResponse> {
    let caller = visitor.member()?;
    let again = form(&visitor, &caller.user, |name| sent.typed(name));
    let fields = match sent.fields {
        Ok(fields) => fields,
        Err(error) => return again.refuse(error),
    };
    let changes = ProfileChanges {
        email: None,
        full_name: fields.full_name.value()?,
        phone: fields.phone.value()?,
        bio: fields.bio.value()?,
        avatar: fields.avatar.value()?,
        locale: fields.locale.value()?,
        attributes: AttributeChanges::new(),
        address: AddressChange::default(),
    };
    let input = UpdateOwnProfileInput { changes, current: None, code: None, request: client.0 };
    match api.services.update_profile.execute(caller, input).await {
        Ok(_user) => Ok(see_other("profile?done")),
        Err(error) => again.refuse(error),
    }
}
