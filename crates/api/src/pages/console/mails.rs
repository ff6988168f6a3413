//! `/console/mails`: what became of the mails, and sending one again that was given up.

use menjin_domain::access::rights::{MailsRead, MailsRetry};
use menjin_domain::common::RequestContext;
use menjin_domain::mail::{MailQuery, MailRecord, MailState};
use menjin_web::Locale;
use menjin_web::values::Token;

use super::user::parsed;
use super::{id_in, undone, words};
use crate::pages::form::PageForm;
use crate::pages::navigation;
use crate::pages::page::{Page, moment, see_other};
use crate::pages::parts::{Field, Item, ItemButton, Search};
use crate::pages::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/console/mails";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const NONE: Text = Text { zh: "没有邮件。", en: "There are no mails." };
const QUEUED: Text = Text { zh: "邮件将重新发送。", en: "The mail is being sent again." };

/// How many are shown at a time.
const LIMIT: u32 = 20;

request! {
    struct MailForm {
        /// The mail to send again.
        item: Optional<Token>,
    }
}

async fn show(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    let page = page(&api, &visitor, client.0).await?;
    match visitor.parameter("done") {
        Some(_) => page.noting(QUEUED).respond(),
        None => page.respond(),
    }
}

async fn page(api: &Api, visitor: &Visitor, request: RequestContext) -> Answer<Page> {
    let allowed = visitor.allowed::<MailsRead>(api, request)?;
    let sent = |name| visitor.parameter(name).unwrap_or_default();
    let (state, user) = (sent("state"), sent("user_id"));
    let known = MailState::ALL.into_iter().find(|known| known.as_str() == state);
    let after = visitor.parameter("after").and_then(id_in);
    let about = if user.is_empty() { None } else { Some(parsed(user)?) };
    let query = MailQuery { state: known, user: about, after, limit: LIMIT };
    let found = api.services.list_mails.execute(&allowed, query).await?;
    let mut page = visitor.page(navigation::MAILS);
    let all = ("", Text { zh: "全部", en: "all" });
    let states = MailState::ALL.map(|state| (state.as_str(), words::mail_state(state)));
    let states = [all].into_iter().chain(states).collect();
    page.search = Some(Search {
        fields: vec![
            Field::text("user_id", words::USER_ID, "off", user).optional().plain(),
            Field::choice("state", Text { zh: "状态", en: "State" }, state, states),
        ],
        button: Text { zh: "查找", en: "Find" },
    });
    page.facts = vec![(Text { zh: "共", en: "In all" }, found.total.to_string())];
    page.items = found.mails.iter().map(|mail| item(mail, visitor.locale)).collect();
    if page.items.is_empty() {
        page.lines.push(NONE);
    }
    if found.mails.len() == LIMIT as usize
        && let Some(last) = found.mails.last()
    {
        let query = [("user_id", user), ("state", state), ("after", &last.id.to_string())];
        page.lead_to("mails", &query, Text { zh: "更早的邮件", en: "Before that" });
    }
    Ok(page)
}

fn item(mail: &MailRecord, locale: Locale) -> Item {
    let said = |text: Text| text.in_locale(locale);
    let nobody = Text { zh: "尚未发送", en: "not tried yet" };
    let recipient = mail.recipient.as_deref().unwrap_or_else(|| said(nobody));
    let mut details =
        vec![format!("{recipient} · {}", moment(mail.sent_at.unwrap_or(mail.created_at)))];
    if mail.attempts > 1 || mail.state == MailState::Failed {
        details.push(format!("{} {}", said(Text { zh: "尝试次数", en: "Tries" }), mail.attempts));
    }
    if mail.state == MailState::Queued {
        details.push(format!(
            "{} {}",
            said(Text { zh: "下次尝试", en: "Next try" }),
            moment(mail.due_at)
        ));
    }
    if let Some((code, text)) = mail.error.as_ref().filter(|_| mail.state != MailState::Sent) {
        details.push(format!("{code} {text}"));
    }
    let again = Text { zh: "重新发送", en: "Send again" };
    let is_over = mail.state == MailState::Failed;
    Item {
        title: said(words::mail(mail.kind)).to_owned(),
        link: mail.user_id.map(|id| format!("user?id={id}")),
        details,
        buttons: is_over.then(|| ItemButton::new(mail.id.to_string(), again)).into_iter().collect(),
        tag: Some(words::mail_state(mail.state)),
        ..Item::default()
    }
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<MailForm>,
) -> Answer<HttpResponse> {
    match retry(&api, &visitor, &sent.typed("item"), client.0.clone()).await {
        Ok(()) => Ok(see_other("mails?done")),
        Err(error) => undone(error, page(&api, &visitor, client.0)).await,
    }
}

async fn retry(api: &Api, visitor: &Visitor, id: &str, request: RequestContext) -> Answer<()> {
    let allowed = visitor.allowed::<MailsRetry>(api, request)?;
    let id = id_in(id).ok_or(ErrorKind::MailNotFound)?;
    api.services.retry_mail.execute(&allowed, id).await?;
    Ok(())
}
