//! The outbox: rows, and the statements that both databases share.
#![expect(missing_docs, reason = "a field is a column of its table")]
#![expect(clippy::ref_option_ref, reason = "in what diesel derives")]

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use menjin_domain::accounts::LoginName;
use menjin_domain::common::{ClientInfo, Locale, PortError, UserId};
use menjin_domain::mail::{
    Backlog, MailId, MailKind, MailRecord, MailState, NewMail, QueuedMail, Settlement,
};
use menjin_domain::one_time::TokenSeed;

use crate::error::bad_column;
use crate::schema::mails;
use crate::sql_types::Moment;
use crate::values::{Host, Micros};

/// A new mail.
#[derive(Insertable)]
#[diesel(treat_none_as_default_value = false)]
#[diesel(table_name = mails)]
pub struct NewMailRow<'a> {
    kind: &'a str,
    urgency: i64,
    user_id: Option<i64>,
    name: Option<&'a str>,
    recipient: Option<&'a str>,
    locale: Option<&'a str>,
    seed: &'a str,
    key_id: &'a str,
    client_address: Host,
    user_agent: Option<&'a str>,
    created_at: Micros,
    queued_at: Micros,
    due_at: Micros,
    state: &'a str,
}

impl<'a> NewMailRow<'a> {
    /// The row of this mail to this account.
    pub fn new(mail: &'a NewMail, user: Option<UserId>) -> Self {
        let at = Micros::from(mail.created_at);
        Self {
            kind: mail.kind.as_str(),
            urgency: mail.kind.is_for_anybody().into(),
            user_id: user.map(UserId::get),
            name: mail.name.as_ref().map(LoginName::canonical),
            recipient: mail.to.as_deref(),
            locale: mail.locale.map(Locale::tag),
            seed: &mail.seed.random,
            key_id: &mail.seed.key_id,
            client_address: mail.client.address.into(),
            user_agent: mail.client.user_agent.as_deref(),
            created_at: at,
            queued_at: at,
            due_at: at,
            state: MailState::Queued.as_str(),
        }
    }
}

/// A mail.
#[derive(Queryable, Selectable)]
#[diesel(table_name = mails)]
pub struct MailRow {
    pub id: i64,
    pub kind: String,
    pub urgency: i64,
    pub user_id: Option<i64>,
    pub name: Option<String>,
    pub recipient: Option<String>,
    pub locale: Option<String>,
    pub seed: String,
    pub key_id: String,
    pub client_address: Host,
    pub user_agent: Option<String>,
    pub created_at: Micros,
    pub queued_at: Micros,
    pub due_at: Micros,
    pub state: String,
    pub claims: i64,
    pub attempts: i64,
    pub error_code: Option<String>,
    pub error: Option<String>,
    pub sent_at: Option<Micros>,
}

impl MailRow {
    fn bad(&self, column: &'static str) -> PortError {
        bad_column("mails", column, self.id.to_string())
    }

    fn id(&self) -> Result<MailId, PortError> {
        mail_id(self.id)
    }

    fn user(&self) -> Result<Option<UserId>, PortError> {
        self.user_id.map(UserId::try_from).transpose().map_err(|_invalid| self.bad("user_id"))
    }

    fn kind(&self) -> Result<MailKind, PortError> {
        self.kind.parse().map_err(|_unknown| self.bad("kind"))
    }

    fn attempts(&self) -> Result<u32, PortError> {
        u32::try_from(self.attempts).map_err(|_invalid| self.bad("attempts"))
    }
}

impl TryFrom<MailRow> for QueuedMail {
    type Error = PortError;

    fn try_from(row: MailRow) -> Result<Self, PortError> {
        let name = row.name.as_deref().map(LoginName::parse).transpose();
        let locale = row.locale.as_deref().map(str::parse).transpose();
        let client = ClientInfo {
            address: row.client_address.0.ok_or_else(|| row.bad("client_address"))?,
            user_agent: row.user_agent.clone(),
        };
        Ok(Self {
            id: row.id()?,
            claims: row.claims,
            attempts: row.attempts()?,
            queued_at: row.queued_at.moment().ok_or_else(|| row.bad("queued_at"))?,
            user_id: row.user()?,
            mail: NewMail {
                kind: row.kind()?,
                to: row.recipient.clone(),
                name: name.map_err(|_invalid| row.bad("name"))?,
                locale: locale.map_err(|_unknown| row.bad("locale"))?,
                client,
                created_at: row.created_at.moment().ok_or_else(|| row.bad("created_at"))?,
                seed: TokenSeed { random: row.seed, key_id: row.key_id },
            },
        })
    }
}

impl TryFrom<MailRow> for MailRecord {
    type Error = PortError;

    fn try_from(row: MailRow) -> Result<Self, PortError> {
        let sent_at = row.sent_at.map(|at| at.moment().ok_or_else(|| row.bad("sent_at")));
        Ok(Self {
            id: row.id()?,
            kind: row.kind()?,
            state: row.state.parse().map_err(|()| row.bad("state"))?,
            user_id: row.user()?,
            attempts: row.attempts()?,
            created_at: row.created_at.moment().ok_or_else(|| row.bad("created_at"))?,
            due_at: row.due_at.moment().ok_or_else(|| row.bad("due_at"))?,
            sent_at: sent_at.transpose()?,
            recipient: row.recipient,
            error: row.error_code.zip(row.error),
        })
    }
}

/// The id of a mail.
pub fn mail_id(id: i64) -> Result<MailId, PortError> {
    MailId::try_from(id).map_err(|_invalid| bad_column("mails", "id", id.to_string()))
}

/// The claimed mails of these rows, in the order in which they are sent.
pub fn claimed(mut rows: Vec<MailRow>) -> Result<Vec<QueuedMail>, PortError> {
    rows.sort_by_key(|row| (row.urgency, row.due_at, row.id));
    rows.into_iter().map(QueuedMail::try_from).collect()
}

/// What a settlement changes in the row of a mail.
#[derive(AsChangeset)]
#[diesel(table_name = mails)]
#[expect(clippy::option_option, reason = "diesel's way to tell null from unchanged")]
pub struct SettledRow<'a> {
    state: Option<&'a str>,
    user_id: Option<i64>,
    name: Option<Option<&'a str>>,
    recipient: Option<&'a str>,
    leased_until: Option<Option<Micros>>,
    due_at: Option<Micros>,
    attempts: Option<i64>,
    error_code: Option<Option<&'a str>>,
    error: Option<Option<&'a str>>,
    sent_at: Option<Micros>,
}

impl<'a> SettledRow<'a> {
    /// The change, and when the token of the mail expires; `None` if the mail is deleted.
    pub fn new(
        mail: &QueuedMail,
        user: Option<UserId>,
        recipient: Option<&'a str>,
        settlement: &'a Settlement,
    ) -> Option<(Self, Option<Micros>)> {
        let tried = i64::from(mail.attempts) + 1;
        let base = Self {
            state: None,
            user_id: user.map(UserId::get),
            // Once it is known whose it is, the name is of no more use.
            name: user.is_some().then_some(None),
            recipient,
            leased_until: Some(None),
            due_at: None,
            attempts: Some(tried),
            error_code: None,
            error: None,
            sent_at: None,
        };
        Some(match settlement {
            Settlement::Sent { at, token_expires_at } => {
                let row = Self {
                    state: Some(MailState::Sent.as_str()),
                    sent_at: Some(Micros::from(*at)),
                    error_code: Some(None),
                    error: Some(None),
                    ..base
                };
                (row, token_expires_at.map(Micros::from))
            }
            Settlement::Again { due_at, error } => {
                let row = Self {
                    due_at: Some(Micros::from(*due_at)),
                    error_code: Some(Some(&error.code)),
                    error: Some(Some(&error.text)),
                    ..base
                };
                (row, None)
            }
            Settlement::Failed { token_expires_at, error } => {
                let row = Self {
                    state: Some(MailState::Failed.as_str()),
                    error_code: Some(Some(&error.code)),
                    error: Some(Some(&error.text)),
                    ..base
                };
                (row, token_expires_at.map(Micros::from))
            }
            Settlement::Postponed { due_at } => {
                let due_at = Some(Micros::from(*due_at));
                (Self { due_at, attempts: None, ..base }, None)
            }
            Settlement::Dropped => return None,
        })
    }
}

/// A mail that somebody has claimed, and nobody since.
#[diesel::dsl::auto_type(no_type_alias)]
pub fn is_claimed(id: i64, claims: i64) -> _ {
    mails::id.eq(id).and(mails::claims.eq(claims)).and(mails::state.eq("queued"))
}

/// Another mail of this kind that waits for this account.
#[diesel::dsl::auto_type(no_type_alias)]
pub fn waits_beside<'a>(id: i64, kind: &'a str, user: i64) -> _ {
    mails::id
        .ne(id)
        .and(mails::kind.eq(kind))
        .and(mails::user_id.eq(user))
        .and(mails::state.eq("queued"))
}

/// Claims mails. The parameters are: now, how many at most, and until when. `SKIP LOCKED`, or nothing
/// where a database has one writer, goes into the place for it.
#[must_use]
pub fn claim(skip_locked: &str) -> String {
    format!(
        "WITH due AS MATERIALIZED (SELECT id FROM mails WHERE state = 'queued' AND due_at <= $1 \
         AND (leased_until IS NULL OR leased_until <= $1) ORDER BY urgency, due_at LIMIT $2 \
         {skip_locked}) UPDATE mails SET leased_until = $3, claims = claims + 1 \
         WHERE id IN (SELECT id FROM due) RETURNING id"
    )
}

/// Queues a mail again that was given up, unless its token is dead. The parameters are: now, and the
/// mail. It returns the id.
pub const RETRY: &str = "UPDATE mails SET state = 'queued', queued_at = $1, due_at = $1, \
     attempts = 0, leased_until = NULL WHERE id = $2 AND state = 'failed' AND NOT EXISTS \
     (SELECT 1 FROM one_time_tokens token WHERE token.mail_id = mails.id \
     AND (token.ended_at IS NOT NULL OR token.expires_at <= $1)) RETURNING id";

/// What waits; loads [`BacklogRow`].
pub const BACKLOG: &str =
    "SELECT count(*) AS queued, min(queued_at) AS oldest FROM mails WHERE state = 'queued'";

/// The id of a mail.
#[derive(QueryableByName)]
pub struct MailIdRow {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
}

/// What waits.
#[derive(QueryableByName)]
pub struct BacklogRow {
    #[diesel(sql_type = BigInt)]
    queued: i64,
    #[diesel(sql_type = Nullable<Moment>)]
    oldest: Option<Micros>,
}

impl From<BacklogRow> for Backlog {
    fn from(row: BacklogRow) -> Self {
        let queued = u64::try_from(row.queued).unwrap_or(0);
        Self { queued, oldest: row.oldest.and_then(Micros::moment) }
    }
}
