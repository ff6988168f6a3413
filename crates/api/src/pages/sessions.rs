//! `/account/sessions`: where one is logged in.

use menjin_domain::common::SessionId;
use menjin_domain::sessions::{ListSessions, Session};
use menjin_web::device;
use menjin_web::values::Token;

use super::form::PageForm;
use super::navigation;
use super::page::{moment, see_other};
use super::parts::{Button, Item, ItemButton};
use super::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/account/sessions";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = navigation::SESSIONS;
const DONE: Text =
    Text { zh: "已退出该设备上的登录。", en: "That device is logged out." };
const ALL_DONE: Text =
    Text { zh: "其他设备均已退出登录。", en: "All other devices are logged out." };
const THIS_ONE: Text = Text { zh: "当前设备", en: "This device" };

request! {
    struct SessionsForm {
        /// Which of them.
        item: Optional<SessionId>,
        action: Optional<Token>,
    }
}

async fn show(api: Data<Api>, visitor: Visitor) -> Answer<HttpResponse> {
    let caller = visitor.member()?;
    let list = &api.services.list_sessions;
    let found = list.execute(caller.into(), None, ListSessions::MAX_LIMIT).await?;
    let mut page = visitor.page(TITLE);
    let entry = |session: &Session| item(session, session.id == caller.session_id, &visitor);
    page.items = found.sessions.iter().map(entry).collect();
    if found.total > 1 {
        let text = Text { zh: "退出所有其他设备", en: "Log out all other devices" };
        page.buttons = vec![Button::danger("others", text)];
    }
    match visitor.parameter("done") {
        Some("one") => page.noting(DONE).respond(),
        Some("others") => page.noting(ALL_DONE).respond(),
        _ => page.respond(),
    }
}

pub(super) fn item(session: &Session, is_current: bool, visitor: &Visitor) -> Item {
    let agent = session.client.user_agent.as_deref();
    let unknown = Text { zh: "未知设备", en: "Unknown device" }.in_locale(visitor.locale);
    let title = agent.and_then(device::name).unwrap_or_else(|| unknown.to_owned());
    let said = |text: Text, value: &str| format!("{} {value}", text.in_locale(visitor.locale));
    let details = vec![
        said(Text { zh: "地址", en: "From" }, &session.client.address.to_string()),
        said(Text { zh: "登录于", en: "Logged in" }, &moment(session.created_at)),
        said(Text { zh: "最近使用", en: "Last used" }, &moment(session.last_used_at)),
    ];
    let log_out = Text { zh: "退出", en: "Log out" };
    let button = (!is_current).then(|| ItemButton::danger(session.id.to_string(), log_out));
    let tag = is_current.then_some(THIS_ONE);
    Item { title, details, buttons: button.into_iter().collect(), tag, ..Item::default() }
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<SessionsForm>,
) -> Answer<HttpResponse> {
    let caller = visitor.member()?;
    let action = sent.typed("action");
    if let Some(id) = sent.fields?.item.value()? {
        api.services.revoke_session.execute(caller.into(), id, client.0).await?;
        return Ok(see_other("sessions?done=one"));
    }
    if action != "others" {
        return Ok(see_other("sessions"));
    }
    api.services.revoke_other_sessions.execute(caller.into(), client.0).await?;
    Ok(see_other("sessions?done=others"))
}
