//! `/console/audit`: who did what.

use menjin_domain::access::rights::AuditRead;
use menjin_domain::audit::{
    AuditAction, AuditFilter, AuditOutcome, AuditPosition, AuditReason, AuditRecord,
    ListRecordsInput,
};
use menjin_web::Locale;

use super::names::{self, Names};
use super::user::parsed;
use super::words;
use crate::pages::navigation;
use crate::pages::page::moment;
use crate::pages::parts::{Field, Item, Search};
use crate::pages::visitor::Visitor;
use crate::prelude::*;

pub(super) fn endpoints() -> [Endpoint; 1] {
    [Endpoint::hidden(Method::GET, "/console/audit", show)]
}

const TITLE: Text = navigation::AUDIT;
const NOTHING: Text = Text { zh: "没有记录。", en: "There is nothing." };

/// How many are shown at a time.
const LIMIT: u64 = 20;

async fn show(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    let allowed = visitor.allowed::<AuditRead>(&api, client.0.clone())?;
    let sent = |name| visitor.parameter(name).unwrap_or_default();
    let (user, action) = (sent("user_id"), sent("action"));
    let filter = AuditFilter {
        user: if user.is_empty() { None } else { Some(parsed(user)?) },
        action: action.parse().ok(),
        ..AuditFilter::default()
    };
    let before: Option<AuditPosition> = sent("before").parse().ok();
    let input = ListRecordsInput { filter, before, limit: LIMIT };
    let found = api.services.list_records.execute(&allowed, input).await?;
    let events = found.records.iter().map(|record| &record.event);
    let ids = events.flat_map(|event| [event.context.actor, event.subject]).flatten();
    let names = names::of(&api, &visitor, ids, client.0).await?;
    let mut page = visitor.page(TITLE);
    page.search = Some(search_form(user, action));
    page.items = found.records.iter().map(|record| item(record, &names, visitor.locale)).collect();
    if page.items.is_empty() {
        page.lines.push(NOTHING);
    }
    if let Some(next) = found.next {
        let query = [("user_id", user), ("action", action), ("before", &next.to_string())];
        page.lead_to("audit", &query, Text { zh: "更早的记录", en: "Before that" });
    }
    page.respond()
}

fn search_form(user: &str, action: &str) -> Search {
    let all = ("", Text { zh: "全部", en: "all" });
    let actions = AuditAction::ALL.iter().map(|action| (action.as_str(), words::action(*action)));
    let actions = [all].into_iter().chain(actions).collect();
    Search {
        fields: vec![
            Field::text("user_id", words::USER_ID, "off", user).optional().plain(),
            Field::choice("action", Text { zh: "操作", en: "What" }, action, actions),
        ],
        button: Text { zh: "查找", en: "Find" },
    }
}

fn item(record: &AuditRecord, names: &Names, locale: Locale) -> Item {
    let (event, context) = (&record.event, &record.event.context);
    let said = |text: Text| text.in_locale(locale);
    let nobody = said(Text { zh: "未登录的人", en: "nobody who was logged in" });
    let actor = context.actor.map_or_else(|| nobody.to_owned(), |id| names.name(id));
    let mut details =
        vec![moment(context.at), format!("{} {actor}", said(Text { zh: "操作者", en: "By" }))];
    if let Some(subject) = event.subject.filter(|subject| Some(*subject) != context.actor) {
        details.push(format!("{} {}", said(Text { zh: "对象", en: "On" }), names.name(subject)));
    }
    if !event.changed.is_empty() {
        let fields: Vec<_> = event.changed.iter().map(|field| said(words::field(*field))).collect();
        details.push(format!(
            "{} {}",
            said(Text { zh: "修改了", en: "Changed" }),
            fields.join(", ")
        ));
    }
    if event.outcome() == AuditOutcome::Failure {
        let reason = event.reason.map_or("", AuditReason::as_str);
        details.push(format!("{} {reason}", said(Text { zh: "失败", en: "Failed" })));
    }
    let address = said(Text { zh: "来自", en: "From" });
    details.push(format!("{address} {}", context.request.client.address));
    let link = event.subject.filter(|_| !names.is_empty()).map(|id| format!("user?id={id}"));
    let title = said(words::action(event.action)).to_owned();
    Item { title, link, details, ..Item::default() }
}
