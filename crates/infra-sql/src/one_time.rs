//! One-time tokens: rows, and the filters that both databases share.
#![expect(missing_docs, reason = "a field is a column of its table")]
#![expect(clippy::ref_option_ref, reason = "in what diesel derives")]

use diesel::dsl::auto_type;
use diesel::prelude::*;
use menjin_domain::accounts::{Email, User};
use menjin_domain::common::{ClientInfo, PortError, Timestamp};
use menjin_domain::credentials::CredentialVersion;
use menjin_domain::mail::MailId;
use menjin_domain::one_time::{
    EmailChangeRequest, Mailbox, NewOneTimeToken, Recipient, Recovery, TokenHolder,
};

use crate::changes::other_form;
use crate::error::bad_column;
use crate::rows::UserRow;
use crate::schema::{one_time_tokens, users};
use crate::values::{Host, Micros};

/// A new token.
#[derive(Insertable)]
#[diesel(treat_none_as_default_value = false)]
#[diesel(table_name = one_time_tokens)]
pub struct NewTokenRow<'a> {
    digest: &'a str,
    purpose: &'a str,
    user_id: i64,
    credential_version: Option<i64>,
    email: &'a str,
    client_address: Host,
    user_agent: Option<&'a str>,
    mail_id: Option<i64>,
    created_at: Micros,
    expires_at: Option<Micros>,
    address: Option<&'a str>,
}

impl<'a> From<&'a NewOneTimeToken> for NewTokenRow<'a> {
    fn from(token: &'a NewOneTimeToken) -> Self {
        Self {
            digest: token.digest.as_str(),
            purpose: token.purpose.as_str(),
            user_id: token.user_id.get(),
            credential_version: token.version.map(|version| version.0),
            email: &token.email,
            client_address: token.client.address.into(),
            user_agent: token.client.user_agent.as_deref(),
            mail_id: token.mail.map(MailId::get),
            created_at: token.created_at.into(),
            expires_at: token.expires_at.map(Micros::from),
            address: token.gives_back.as_ref().map(Email::as_str),
        }
    }
}

/// A token.
#[derive(Queryable, Selectable)]
#[diesel(table_name = one_time_tokens)]
pub struct TokenRow {
    pub user_id: i64,
    pub email: String,
    pub client_address: Host,
    pub user_agent: Option<String>,
    pub created_at: Micros,
    pub address: Option<String>,
}

/// What is known of an account's owner beside the account.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct RecoveryRow {
    pub credential_version: i64,
    pub recovery_email: Option<String>,
    pub recovery_verified: bool,
    pub email_proved_at: Option<Micros>,
    pub email_by_password: bool,
    pub reset_after: Option<Micros>,
    pub factor_since: Option<Micros>,
}

/// Whose a token is.
pub fn holder(
    token: TokenRow,
    user: UserRow,
    recovery: &RecoveryRow,
    is_oldest: bool,
) -> Result<TokenHolder, PortError> {
    let factor_since = recovery.factor_since.map(|at| {
        let bad = || bad_column("users", "factor_since", user.id.to_string());
        at.moment().ok_or_else(bad)
    });
    let factor_since = factor_since.transpose()?;
    let bad = |column| bad_column("one_time_tokens", column, format!("of user {}", token.user_id));
    Ok(TokenHolder {
        version: CredentialVersion(recovery.credential_version),
        is_proved: user.is_verified || recovery.recovery_verified,
        client: ClientInfo {
            address: token.client_address.0.ok_or_else(|| bad("client_address"))?,
            user_agent: token.user_agent,
        },
        created_at: token.created_at.moment().ok_or_else(|| bad("created_at"))?,
        gives_back: token.address.map(|typed| Email::from_stored(typed, token.email.clone())),
        email: token.email,
        factor_since,
        is_oldest,
        user: User::try_from(user)?,
    })
}

/// Whom a mail goes to.
pub fn recipient(user: UserRow, recovery: RecoveryRow) -> Result<Recipient, PortError> {
    let moment = |column, at: Option<Micros>| {
        let bad = || bad_column("users", column, user.id.to_string());
        at.map(|at| at.moment().ok_or_else(bad)).transpose()
    };
    let proved_at = moment("email_proved_at", recovery.email_proved_at)?;
    let reset_after = moment("reset_after", recovery.reset_after)?;
    Ok(Recipient {
        version: CredentialVersion(recovery.credential_version),
        recovery: Recovery {
            address: recovery.recovery_email,
            is_verified: recovery.recovery_verified,
            proved_at,
            by_password: recovery.email_by_password,
        },
        reset_after,
        user: User::try_from(user)?,
    })
}

/// The token of this digest and purpose.
#[auto_type(no_type_alias)]
pub fn is_token<'a>(digest: &'a str, purpose: &'a str) -> _ {
    one_time_tokens::digest.eq(digest).and(one_time_tokens::purpose.eq(purpose))
}

/// Whether a token is live, joined with its account.
#[auto_type(no_type_alias)]
pub fn is_live_at(at: Micros) -> _ {
    one_time_tokens::ended_at
        .is_null()
        .and(one_time_tokens::expires_at.is_null().or(one_time_tokens::expires_at.gt(at)))
        .and(users::is_active)
        .and(users::banned_until.is_null().or(users::banned_until.le(at)))
        .and(
            one_time_tokens::credential_version
                .is_null()
                .or(one_time_tokens::credential_version.eq(users::credential_version.nullable())),
        )
        .and(
            one_time_tokens::purpose
                .ne("verify_email")
                .or(one_time_tokens::email.eq(users::email_canonical)),
        )
        .and(
            one_time_tokens::purpose
                .ne("change_email")
                .or(one_time_tokens::email.nullable().eq(users::pending_email_canonical)),
        )
}

/// The tokens of an account that were not used or made void.
#[auto_type(no_type_alias)]
pub fn is_open_token_of(user: i64) -> _ {
    one_time_tokens::user_id.eq(user).and(one_time_tokens::ended_at.is_null())
}

/// Makes all tokens of an account and a purpose void, but one and the newest of the others. The
/// parameters are: now, the account, the purpose, the one that stays whatever its time, and how many
/// others stay.
pub const VOID_OLDEST: &str = "UPDATE one_time_tokens SET ended_at = $1 \
     WHERE user_id = $2 AND purpose = $3 AND ended_at IS NULL AND digest <> $4 AND digest NOT IN \
     (SELECT digest FROM one_time_tokens WHERE user_id = $2 AND purpose = $3 AND digest <> $4 \
     AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > $1) \
     ORDER BY created_at DESC, digest LIMIT $5)";

/// The mailbox of an account, as it is to be.
#[derive(AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
pub struct MailboxRow<'a> {
    email: &'a str,
    email_canonical: &'a str,
    is_verified: bool,
    recovery_email: Option<&'a str>,
    recovery_verified: bool,
    email_proved_at: Option<Micros>,
    email_by_password: bool,
    email_search: Option<String>,
    updated_at: Micros,
}

impl<'a> MailboxRow<'a> {
    /// This mailbox, from this moment on.
    pub fn new(mailbox: &'a Mailbox, at: Timestamp) -> Self {
        let Mailbox { email, is_verified, recovery } = mailbox;
        Self {
            email: email.as_str(),
            email_canonical: email.canonical(),
            is_verified: *is_verified,
            recovery_email: recovery.address.as_deref(),
            recovery_verified: recovery.is_verified,
            email_proved_at: recovery.proved_at.map(Micros::from),
            email_by_password: recovery.by_password,
            email_search: other_form(email.canonical()),
            updated_at: at.into(),
        }
    }
}

/// The pending address of an account, as it is to be.
#[derive(AsChangeset, Default)]
#[diesel(table_name = users, treat_none_as_null = true)]
#[expect(clippy::struct_field_names, reason = "the names of the columns")]
pub struct PendingRow<'a> {
    pending_email: Option<&'a str>,
    pending_email_canonical: Option<&'a str>,
    pending_version: Option<i64>,
    pending_since: Option<Micros>,
}

impl<'a> From<&'a EmailChangeRequest> for PendingRow<'a> {
    fn from(change: &'a EmailChangeRequest) -> Self {
        Self {
            pending_email: Some(change.email.as_str()),
            pending_email_canonical: Some(change.email.canonical()),
            pending_version: Some(change.version.0),
            pending_since: Some(change.context.at.into()),
        }
    }
}

/// The tokens by which an older change of the address of an account can be undone.
#[auto_type(no_type_alias)]
pub fn is_older_undo(user: i64, made: Micros, at: Micros) -> _ {
    one_time_tokens::user_id
        .eq(user)
        .and(one_time_tokens::purpose.eq("undo_email_change"))
        .and(one_time_tokens::ended_at.is_null())
        .and(one_time_tokens::created_at.lt(made))
        .and(one_time_tokens::expires_at.is_null().or(one_time_tokens::expires_at.gt(at)))
}

/// The tokens by which other accounts can have this address back.
#[auto_type(no_type_alias)]
pub fn keeps_address<'a>(address: &'a str, but: i64, at: Micros) -> _ {
    one_time_tokens::email
        .eq(address)
        .and(one_time_tokens::purpose.eq("undo_email_change"))
        .and(one_time_tokens::user_id.ne(but))
        .and(one_time_tokens::ended_at.is_null())
        .and(one_time_tokens::expires_at.is_null().or(one_time_tokens::expires_at.gt(at)))
}

/// The tokens by which accounts can have an address back.
#[auto_type(no_type_alias)]
pub fn keeps_any_address(at: Micros) -> _ {
    one_time_tokens::purpose
        .eq("undo_email_change")
        .and(one_time_tokens::ended_at.is_null())
        .and(one_time_tokens::expires_at.is_null().or(one_time_tokens::expires_at.gt(at)))
}

/// The tokens of an account that a reset makes void.
#[auto_type(no_type_alias)]
pub fn is_open_token_but_undo_of(user: i64) -> _ {
    one_time_tokens::user_id
        .eq(user)
        .and(one_time_tokens::ended_at.is_null())
        .and(one_time_tokens::purpose.ne("undo_email_change"))
}

/// The tokens of an account that become void when this one is used to undo a change: those of younger
/// changes, and all that do something else.
#[auto_type(no_type_alias)]
pub fn is_void_after_undo<'a>(user: i64, digest: &'a str, made: Micros) -> _ {
    one_time_tokens::user_id.eq(user).and(one_time_tokens::ended_at.is_null()).and(
        one_time_tokens::digest
            .eq(digest)
            .or(one_time_tokens::purpose.ne("undo_email_change"))
            .or(one_time_tokens::created_at.ge(made)),
    )
}
