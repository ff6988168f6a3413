//! Invitations: rows, and the filters that both databases share.
#![expect(missing_docs, reason = "a field is a column of its table")]
#![expect(clippy::ref_option_ref, reason = "in what diesel derives")]

use std::time::Duration;

use diesel::prelude::*;
use menjin_domain::accounts::Email;
use menjin_domain::common::{PortError, Timestamp, UserId};
use menjin_domain::invitations::{
    Invitation, InvitationId, InvitationQuery, Inviter, NewInvitation,
};
use menjin_domain::one_time::TokenDigest;

use crate::error::bad_column;
use crate::schema::{invitations, users};
use crate::values::Micros;

/// A new invitation.
#[derive(Insertable)]
#[diesel(treat_none_as_default_value = false)]
#[diesel(table_name = invitations)]
pub struct NewInvitationRow<'a> {
    digest: &'a str,
    email: Option<&'a str>,
    email_canonical: Option<&'a str>,
    role: &'a str,
    max_uses: i64,
    lifetime: i64,
    created_by: Option<i64>,
    created_at: Micros,
    expires_at: Micros,
}

impl<'a> From<&'a NewInvitation> for NewInvitationRow<'a> {
    fn from(new: &'a NewInvitation) -> Self {
        let (terms, at) = (&new.terms, new.context.at);
        Self {
            digest: new.digest.as_str(),
            email: terms.email.as_ref().map(Email::as_str),
            email_canonical: terms.email.as_ref().map(Email::canonical),
            role: terms.role.as_str(),
            max_uses: terms.max_uses.into(),
            lifetime: i64::try_from(terms.lifetime.as_secs()).unwrap_or(i64::MAX),
            created_by: new.created_by.map(UserId::get),
            created_at: at.into(),
            expires_at: (at + terms.lifetime).into(),
        }
    }
}

/// An invitation.
#[derive(Queryable, Selectable)]
#[diesel(table_name = invitations)]
pub struct InvitationRow {
    pub id: i64,
    pub email: Option<String>,
    pub email_canonical: Option<String>,
    pub role: String,
    pub uses: i64,
    pub max_uses: i64,
    pub lifetime: i64,
    pub created_by: Option<i64>,
    pub created_at: Micros,
    pub expires_at: Micros,
    pub revoked_at: Option<Micros>,
}

/// Whoever made it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct InviterRow {
    pub id: i64,
    pub is_active: bool,
    pub banned_until: Option<Micros>,
    pub role: String,
}

/// The invitation of a row, with whoever made it.
pub fn invitation(
    (row, inviter): (InvitationRow, Option<InviterRow>),
) -> Result<Invitation, PortError> {
    let bad = |column| bad_column("invitations", column, row.id.to_string());
    let moment = |column, at: Micros| at.moment().ok_or_else(|| bad(column));
    let inviter = inviter.map(|inviter| {
        let bad = || bad_column("users", "role or banned_until", inviter.id.to_string());
        let role = inviter.role.parse().map_err(|_unknown| bad())?;
        let banned_until = inviter.banned_until.map(|until| until.moment().ok_or_else(bad));
        let banned_until = banned_until.transpose()?;
        Ok::<_, PortError>(Inviter { is_active: inviter.is_active, banned_until, role })
    });
    Ok(Invitation {
        id: InvitationId::try_from(row.id).map_err(|_invalid| bad("id"))?,
        role: row.role.parse().map_err(|_unknown| bad("role"))?,
        uses: u32::try_from(row.uses).map_err(|_invalid| bad("uses"))?,
        max_uses: u32::try_from(row.max_uses).map_err(|_invalid| bad("max_uses"))?,
        lifetime: Duration::from_secs(
            u64::try_from(row.lifetime).map_err(|_invalid| bad("lifetime"))?,
        ),
        created_by: row
            .created_by
            .map(UserId::try_from)
            .transpose()
            .map_err(|_invalid| bad("created_by"))?,
        inviter: inviter.transpose()?,
        created_at: moment("created_at", row.created_at)?,
        expires_at: moment("expires_at", row.expires_at)?,
        revoked_at: row.revoked_at.map(|at| moment("revoked_at", at)).transpose()?,
        email: row
            .email
            .zip(row.email_canonical)
            .map(|(shown, canonical)| Email::from_stored(shown, canonical)),
    })
}

/// Another token for an invitation.
#[derive(AsChangeset)]
#[diesel(table_name = invitations)]
pub struct RenewedRow<'a> {
    digest: &'a str,
    expires_at: Micros,
}

impl<'a> RenewedRow<'a> {
    /// This one, for as long as the first one was.
    pub fn new(digest: &'a TokenDigest, invitation: &Invitation, at: Timestamp) -> Self {
        Self { digest: digest.as_str(), expires_at: (at + invitation.lifetime).into() }
    }
}

/// The id that the invitations of a page are below.
pub fn below(query: &InvitationQuery) -> i64 {
    query.after.map_or(i64::MAX, InvitationId::get)
}
