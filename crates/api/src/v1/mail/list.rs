//! `GET /api/v1/mails`.

use menjin_domain::access::rights::MailsRead;
use menjin_domain::common::UserId;
use menjin_domain::mail::{MailId, MailKind, MailPage, MailQuery, MailRecord, MailState};
use menjin_web::schema::names;
use menjin_web::values::Integer;

use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/mails", list).success("The mails of this page")
}

/// How many mails a page has unless the client says, and at most.
const DEFAULT_LIMIT: u64 = 20;
const MAX_LIMIT: u64 = 1000;

request! {
    struct MailsQuery {
        /// Only those in this state.
        state: Optional<MailState>,
        /// Only those about this account.
        user_id: Optional<UserId>,
        /// The `next` of the page before.
        after: Optional<MailId>,
        /// How many to show at most.
        limit: Optional<Integer<1, MAX_LIMIT>> => { "default": DEFAULT_LIMIT },
    }
}

response! {
    /// A mail. What it says is not kept.
    pub struct MailResponse as "Mail" {
        id: i64 => { "minimum": 1, "example": 1 },
        kind: &'static str
            => { "enum": names(&MailKind::ALL, MailKind::as_str), "example": "verify_email" },
        state: &'static str
            => { "enum": names(&MailState::ALL, MailState::as_str), "example": "sent" },
        /// The account that it is about, if that is known.
        user_id: Option<i64> => { "minimum": 1, "example": 1 },
        /// Where it was sent to; null before the first try.
        recipient: Option<String> => { "example": "zhangsan@example.com" },
        /// How often it was tried.
        attempts: u64 => { "minimum": 0, "example": 1 },
        /// Why the last try failed: the code that the mail server gave, or a word.
        error_code: Option<String> => { "example": "550" },
        /// What the mail server said then.
        error: Option<String> => { "example": "mailbox unavailable" },
        created_at: Time,
        /// When it is tried next; null unless it is queued.
        next_attempt_at: Option<Time>,
        sent_at: Option<Time>,
    }
}

impl From<&MailRecord> for MailResponse {
    fn from(mail: &MailRecord) -> Self {
        let (error_code, error) = mail.error.clone().unzip();
        Self {
            id: mail.id.get(),
            kind: mail.kind.as_str(),
            state: mail.state.as_str(),
            user_id: mail.user_id.map(UserId::get),
            recipient: mail.recipient.clone(),
            attempts: mail.attempts.into(),
            error_code,
            error,
            created_at: Time(mail.created_at),
            next_attempt_at: (mail.state == MailState::Queued).then_some(Time(mail.due_at)),
            sent_at: mail.sent_at.map(Time),
        }
    }
}

response! {
    /// A part of the mails.
    struct MailPageResponse as "Mails" {
        mails: Vec<MailResponse>,
        /// How many match, on all pages.
        total: u64 => { "minimum": 0, "example": 1 },
        /// Sent as `after` it gives the next page; null on the last.
        next: Option<i64> => { "minimum": 1, "example": 1 },
    }
}

impl MailPageResponse {
    fn new(page: &MailPage, limit: u64) -> Self {
        let is_full = u64::try_from(page.mails.len()).is_ok_and(|length| length == limit);
        let last = page.mails.last().map(|mail| mail.id.get());
        Self {
            mails: page.mails.iter().map(MailResponse::from).collect(),
            total: page.total,
            next: last.filter(|_| is_full),
        }
    }
}

/// List mails.
///
/// For administrators. The newest come first.
#[api_v2_operation(operation_id = "list_mails", tags("Mail"))]
async fn list(
    api: Data<Api>,
    Ordered(Authorized(allowed), Query(query)): Ordered<Authorized<MailsRead>, Query<MailsQuery>>,
) -> Answer<Reply<MailPageResponse>> {
    let limit = query.limit.value()?.unwrap_or(DEFAULT_LIMIT);
    let input = MailQuery {
        state: query.state.value()?,
        user: query.user_id.value()?,
        after: query.after.value()?,
        limit: u32::try_from(limit).unwrap_or(u32::MAX),
    };
    let page = api.services.list_mails.execute(&allowed, input).await?;
    Ok(Reply(MailPageResponse::new(&page, limit)))
}
