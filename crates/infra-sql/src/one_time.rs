//! One-time tokens: rows, and the filters that both databases share.
#![expect(missing_docs, reason = "a field is a column of its table")]
#![expect(clippy::ref_option_ref, reason = "in what diesel derives")]

use diesel::dsl::auto_type;
use diesel::prelude::*;
use menjin_domain::accounts::User;
use menjin_domain::common::{ClientInfo, PortError};
use menjin_domain::credentials::CredentialVersion;
use menjin_domain::mail::MailId;
use menjin_domain::one_time::{NewOneTimeToken, Recipient, Recovery, TokenHolder};

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
}

/// What is known of an account's owner beside the account.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct RecoveryRow {
    pub credential_version: i64,
    pub recovery_email: Option<String>,
    pub recovery_verified: bool,
    pub email_proved_at: Option<Micros>,
}

/// Whose a token is.
pub fn holder(token: TokenRow, user: UserRow, version: i64) -> Result<TokenHolder, PortError> {
    let bad = |column| bad_column("one_time_tokens", column, format!("of user {}", token.user_id));
    Ok(TokenHolder {
        version: CredentialVersion(version),
        client: ClientInfo {
            address: token.client_address.0.ok_or_else(|| bad("client_address"))?,
            user_agent: token.user_agent,
        },
        created_at: token.created_at.moment().ok_or_else(|| bad("created_at"))?,
        email: token.email,
        user: User::try_from(user)?,
    })
}

/// Whom a mail goes to.
pub fn recipient(user: UserRow, recovery: RecoveryRow) -> Result<Recipient, PortError> {
    let bad = || bad_column("users", "email_proved_at", user.id.to_string());
    let proved_at = recovery.email_proved_at.map(|at| at.moment().ok_or_else(bad)).transpose()?;
    Ok(Recipient {
        version: CredentialVersion(recovery.credential_version),
        recovery: Recovery {
            address: recovery.recovery_email,
            is_verified: recovery.recovery_verified,
            proved_at,
        },
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
}

/// The tokens of an account that were not used or made void.
#[auto_type(no_type_alias)]
pub fn is_open_token_of(user: i64) -> _ {
    one_time_tokens::user_id.eq(user).and(one_time_tokens::ended_at.is_null())
}

/// Makes all but the newest tokens of an account and a purpose void. The parameters are: now, the
/// account, the purpose, and how many stay.
pub const VOID_OLDEST: &str = "UPDATE one_time_tokens SET ended_at = $1 \
     WHERE user_id = $2 AND purpose = $3 AND ended_at IS NULL AND digest NOT IN \
     (SELECT digest FROM one_time_tokens WHERE user_id = $2 AND purpose = $3 \
     AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > $1) \
     ORDER BY created_at DESC, digest LIMIT $4)";

/// What goes with a change of an address: the account is not verified, and the address before stays
/// where new passwords go to, unless there is one already. The parameters are: since when an address
/// has to be proved to be settled, the account, and the new address in its canonical form. An address
/// that stays the same changes nothing.
pub const CHANGE_ADDRESS: &str = "UPDATE users SET \
     recovery_email = CASE WHEN recovery_email IS NULL \
     OR COALESCE(is_verified AND email_proved_at <= $1, false) THEN email ELSE recovery_email END, \
     recovery_verified = CASE WHEN recovery_email IS NULL \
     OR COALESCE(is_verified AND email_proved_at <= $1, false) THEN is_verified \
     ELSE recovery_verified END, \
     email_proved_at = NULL, is_verified = false \
     WHERE id = $2 AND is_active AND email_canonical <> $3";
