//! `/console/user?id=…`: one user: why they cannot log in, and what can be done about it.

use std::time::Duration;

use menjin_domain::access::rights::{
    RightId, RolesGrant, SessionsEnd, UsersBan, UsersDelete, UsersRead, UsersRemoveFactor,
    UsersSetPassword, UsersUnlock, UsersWrite,
};
use menjin_domain::accounts::{Role, User};
use menjin_domain::common::{RequestContext, Timestamp, UserId};
use menjin_domain::credentials::PasswordChoice;
use menjin_domain::lockout::Lockout;
use menjin_web::Locale;
use menjin_web::problem::{FieldError, Problem};
use menjin_web::values::Token;

use super::{id_in, role_field, undone};
use crate::pages::form::PageForm;
use crate::pages::navigation;
use crate::pages::page::{Page, moment, see_other};
use crate::pages::parts::{Button, Field};
use crate::pages::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/console/user";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = Text { zh: "用户", en: "User" };
const DONE: Text = Text { zh: "已完成。", en: "It is done." };
pub(super) const GENERATED: Text = Text {
    zh: "这是新的初始密码，只显示一次。用户登录后必须修改。",
    en: "This is the first password. It is shown once, and has to be changed at the next login.",
};
const DAY: Duration = Duration::from_secs(24 * 3600);

request! {
    struct UserForm {
        id: Required<Token>,
        role: Optional<Role>,
        action: Optional<Token>,
    }
}

/// Why somebody cannot log in, or not as others do; nothing if they can.
pub(super) fn standing(user: &User, now: Timestamp, locale: Locale) -> Vec<String> {
    let said = |text: Text| text.in_locale(locale).to_owned();
    let until = |text: Text, at: Timestamp| format!("{} {}", text.in_locale(locale), moment(at));
    let mut reasons = Vec::new();
    if let Some(at) = user.deletes_at {
        reasons.push(until(Text { zh: "已删除，彻底清除于", en: "Deleted; gone for good at" }, at));
    } else if !user.is_active {
        reasons.push(said(Text { zh: "已停用", en: "Deactivated" }));
    }
    if let Some(ban) = user.ban.as_ref().filter(|ban| now < ban.until) {
        let mut text = until(Text { zh: "封禁至", en: "Banned until" }, ban.until);
        if let Some(reason) = &ban.reason {
            text = format!("{text} · {}", reason.as_str());
        }
        reasons.push(text);
    }
    if let Some(first) = &user.first_password {
        let text = if now < first.until {
            Text {
                zh: "登录后须修改密码，初始密码有效至",
                en: "Has to change the password; the first one is good until",
            }
        } else {
            Text { zh: "初始密码已失效于", en: "The first password has expired at" }
        };
        reasons.push(until(text, first.until));
    }
    reasons
}

/// The id in the address or in the form.
pub(super) fn parsed(id: &str) -> Result<UserId, ApiError> {
    Ok(id_in(id).ok_or(ErrorKind::UserNotFound)?)
}

async fn show(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    let id = parsed(visitor.parameter("id").unwrap_or_default())?;
    let page = page(&api, &visitor, id, client.0).await?;
    match visitor.parameter("done") {
        Some(_) => page.noting(DONE).respond(),
        None => page.respond(),
    }
}

/// The page about a user, as they are now.
async fn page(api: &Api, visitor: &Visitor, id: UserId, request: RequestContext) -> Answer<Page> {
    let allowed = visitor.allowed::<UsersRead>(api, request.clone())?;
    let user = api.services.get_user.execute(&allowed, id).await?;
    let may = |right| api.settings.roles.grants(allowed.role(), right);
    let lockout = if may(RightId::UsersUnlock) {
        let unlock = visitor.allowed::<UsersUnlock>(api, request)?;
        api.services.get_lockout.execute(&unlock, id).await?
    } else {
        Lockout::default()
    };
    let (now, locale) = (allowed.context().at, visitor.locale);
    let mut page = visitor.page(TITLE);
    page.facts = facts(&user, &lockout, now, locale);
    page.fields = vec![Field::hidden("id", id.to_string())];
    page.buttons = buttons(&user, &lockout, now, may);
    if may(RightId::RolesGrant) && user.deletes_at.is_none() {
        let label = Text { zh: "角色", en: "Role" };
        page.fields.push(role_field(api, "role", label, user.role.as_str()));
        page.buttons.push(Button::new("role", Text { zh: "更改角色", en: "Change the role" }));
    }
    page.links = vec![("users".into(), Text { zh: "返回列表", en: "Back to the list" })];
    if may(RightId::UsersWrite) && user.deletes_at.is_none() {
        page.links.push((format!("edit?id={id}").into(), navigation::EDIT_USER));
    }
    if may(RightId::SessionsRead) {
        page.links.push((format!("user-sessions?id={id}").into(), navigation::SESSIONS));
    }
    if may(RightId::MailsRead) {
        page.links.push((format!("mails?user_id={id}").into(), navigation::MAILS));
    }
    if may(RightId::AuditRead) {
        page.links.push((format!("audit?user_id={id}").into(), navigation::AUDIT));
    }
    Ok(page)
}

fn facts(user: &User, lockout: &Lockout, now: Timestamp, locale: Locale) -> Vec<(Text, String)> {
    let said = |text: Text| text.in_locale(locale).to_owned();
    let mut reasons = standing(user, now, locale);
    if let Some(at) = lockout.locked_until() {
        let text = Text {
            zh: "密码错误次数过多，锁定至",
            en: "Too many wrong passwords; locked until",
        };
        reasons.push(format!("{} {}", said(text), moment(at)));
    }
    if reasons.is_empty() {
        reasons.push(said(Text { zh: "可以登录", en: "Can log in" }));
    }
    let verified = if user.is_verified {
        Text { zh: "已验证", en: "verified" }
    } else {
        Text { zh: "未验证", en: "not verified" }
    };
    let (on, off) = (Text { zh: "已启用", en: "on" }, Text { zh: "未启用", en: "off" });
    let full_name = user.profile.full_name.as_ref().map(|name| name.as_str().to_owned());
    let last = user.last_login_at.map(moment);
    let never = || said(Text { zh: "从未", en: "never" });
    let mut facts = vec![
        (Text { zh: "登录", en: "Login" }, reasons.join(" · ")),
        (Text { zh: "用户名", en: "User name" }, user.username.as_str().to_owned()),
        (
            Text { zh: "邮箱", en: "E-mail address" },
            format!("{} ({})", user.email.as_str(), said(verified)),
        ),
        (Text { zh: "角色", en: "Role" }, user.role.as_str().to_owned()),
        (
            Text { zh: "两步验证", en: "Second factor" },
            said(if user.has_factor { on } else { off }),
        ),
        (Text { zh: "注册时间", en: "Made" }, moment(user.created_at)),
        (Text { zh: "最近登录", en: "Last login" }, last.unwrap_or_else(never)),
    ];
    if let Some(name) = full_name {
        facts.insert(2, (Text { zh: "姓名", en: "Full name" }, name));
    }
    facts
}

/// What the caller may do with the account as it is now.
fn buttons(
    user: &User,
    lockout: &Lockout,
    now: Timestamp,
    may: impl Fn(RightId) -> bool,
) -> Vec<Button> {
    use RightId as R;
    let banned = user.ban.as_ref().is_some_and(|ban| now < ban.until);
    let here = user.deletes_at.is_none();
    let active = user.is_active;
    let new = |action, zh, en| Button::new(action, Text { zh, en });
    let danger = |action, zh, en| Button::danger(action, Text { zh, en });
    let all = [
        (
            lockout.locked_until().is_some(),
            R::UsersUnlock,
            new("unlock", "解除锁定", "Lift the lock"),
        ),
        (banned, R::UsersBan, new("unban", "解除封禁", "Lift the ban")),
        (!here, R::UsersDelete, new("restore", "恢复账户", "Restore the account")),
        (here && !active, R::UsersWrite, new("activate", "启用", "Activate")),
        (here, R::UsersSetPassword, new("password", "生成初始密码", "Make a first password")),
        (here, R::SessionsEnd, danger("end-sessions", "退出所有设备", "Log out all devices")),
        (
            here && user.has_factor,
            R::UsersRemoveFactor,
            danger("remove-factor", "移除两步验证", "Take the second factor away"),
        ),
        (here && active && !banned, R::UsersBan, danger("ban-day", "封禁一天", "Ban for a day")),
        (here && active && !banned, R::UsersBan, danger("ban-week", "封禁一周", "Ban for a week")),
        (here && active, R::UsersWrite, danger("deactivate", "停用", "Deactivate")),
        (here, R::UsersDelete, danger("delete", "删除", "Delete")),
    ];
    all.into_iter()
        .filter(|(fits, right, _)| *fits && may(*right))
        .map(|(.., button)| button)
        .collect()
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<UserForm>,
) -> Answer<HttpResponse> {
    let id = parsed(&sent.typed("id"))?;
    let action = sent.typed("action");
    let role = sent.fields.and_then(|fields| fields.role.value());
    match change(&api, &visitor, id, &action, role, client.0.clone()).await {
        Ok(None) => Ok(see_other(&format!("user?id={id}&done"))),
        Ok(Some(password)) => {
            let mut page = page(&api, &visitor, id, client.0).await?.noting(GENERATED);
            page.codes = vec![password];
            page.respond()
        }
        Err(error) => {
            let again = page(&api, &visitor, id, client.0);
            undone(error, again).await
        }
    }
}

/// Does it. Returns a password that was made.
async fn change(
    api: &Api,
    visitor: &Visitor,
    id: UserId,
    action: &str,
    role: Result<Option<Role>, ApiError>,
    request: RequestContext,
) -> Answer<Option<String>> {
    let change = &api.services.change_user;
    let services = &api.services;
    match action {
        "unlock" => {
            let allowed = visitor.allowed::<UsersUnlock>(api, request)?;
            services.clear_lockout.execute(&allowed, id).await?;
        }
        "ban-day" | "ban-week" => {
            let allowed = visitor.allowed::<UsersBan>(api, request)?;
            let days = if action == "ban-day" { 1 } else { 7 };
            change.ban(&allowed, id, allowed.context().at + DAY * days, None).await?;
        }
        "unban" => {
            change.lift_ban(&visitor.allowed::<UsersBan>(api, request)?, id).await?;
        }
        "role" => {
            let allowed = visitor.allowed::<RolesGrant>(api, request)?;
            let role = role?.ok_or_else(|| FieldError::in_body("role", Problem::Missing))?;
            change.set_role(&allowed, id, role).await?;
        }
        "activate" => {
            change.activate(&visitor.allowed::<UsersWrite>(api, request)?, id).await?;
        }
        "deactivate" => {
            change.deactivate(&visitor.allowed::<UsersWrite>(api, request)?, id).await?;
        }
        "delete" => {
            change.delete(&visitor.allowed::<UsersDelete>(api, request)?, id).await?;
        }
        "restore" => {
            change.restore(&visitor.allowed::<UsersDelete>(api, request)?, id).await?;
        }
        "end-sessions" => {
            let allowed = visitor.allowed::<SessionsEnd>(api, request)?;
            services.revoke_user_sessions.all(&allowed, id).await?;
        }
        "remove-factor" => {
            let allowed = visitor.allowed::<UsersRemoveFactor>(api, request)?;
            services.remove_factor.execute(&allowed, id).await?;
        }
        "password" => {
            let allowed = visitor.allowed::<UsersSetPassword>(api, request)?;
            let choice = PasswordChoice { given: None, good_from: None };
            let made = services.set_password.execute(&allowed, id, choice).await?;
            return Ok(made.map(|password| password.expose().to_owned()));
        }
        _ => {}
    }
    Ok(None)
}
