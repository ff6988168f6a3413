//! `/console/user-sessions?id=…`: where a user is logged in.

use menjin_domain::access::rights::{SessionsEnd, SessionsRead};
use menjin_domain::common::{RequestContext, SessionId, UserId};
use menjin_domain::sessions::ListSessions;
use menjin_web::values::Token;

use super::undone;
use super::user::parsed;
use crate::pages::form::PageForm;
use crate::pages::navigation;
use crate::pages::page::{Page, see_other};
use crate::pages::parts::Field;
use crate::pages::sessions::item;
use crate::pages::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/console/user-sessions";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const NONE: Text = Text { zh: "没有登录的设备。", en: "They are not logged in anywhere." };
const ENDED: Text = Text { zh: "该设备已退出。", en: "The device is logged out." };

request! {
    struct EndForm {
        id: Required<Token>,
        /// The session.
        item: Optional<SessionId>,
    }
}

async fn show(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    let id = parsed(visitor.parameter("id").unwrap_or_default())?;
    let page = page(&api, &visitor, id, client.0).await?;
    match visitor.parameter("done") {
        Some(_) => page.noting(ENDED).respond(),
        None => page.respond(),
    }
}

async fn page(api: &Api, visitor: &Visitor, id: UserId, request: RequestContext) -> Answer<Page> {
    let allowed = visitor.allowed::<SessionsRead>(api, request)?;
    let list = &api.services.list_user_sessions;
    let found = list.execute(&allowed, id, None, ListSessions::MAX_LIMIT).await?;
    let own = visitor.member()?.session_id;
    let mut page = visitor.page(navigation::SESSIONS);
    page.items = found.sessions.iter().map(|it| item(it, it.id == own, visitor)).collect();
    if page.items.is_empty() {
        page.lines.push(NONE);
    }
    page.fields = vec![Field::hidden("id", id.to_string())];
    page.links = vec![(format!("user?id={id}").into(), Text { zh: "返回", en: "Back" })];
    Ok(page)
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<EndForm>,
) -> Answer<HttpResponse> {
    let id = parsed(&sent.typed("id"))?;
    let here = format!("user-sessions?id={id}");
    let allowed = visitor.allowed::<SessionsEnd>(&api, client.0.clone())?;
    let session = sent.fields?.item.value()?.ok_or(ErrorKind::SessionNotFound)?;
    match api.services.revoke_user_sessions.one(&allowed, id, session).await {
        Ok(()) => Ok(see_other(&format!("{here}&done"))),
        Err(error) => undone(error.into(), page(&api, &visitor, id, client.0)).await,
    }
}
