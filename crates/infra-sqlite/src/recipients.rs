//! Whom mails go to, and whose tokens are: read in the transactions of other modules.

use diesel::dsl::{exists, not};
use menjin_domain::accounts::User;
use menjin_domain::common::{Timestamp, UserId};
use menjin_domain::one_time::{Purpose, Recipient, TokenDigest, TokenHolder};
use menjin_infra_sql::one_time::{
    RecoveryRow, TokenRow, holder, is_live_at, is_older_undo, is_token, recipient,
};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::schema::one_time_tokens as tokens;

use crate::error::OrPortError;

/// An account that is there.
pub(crate) fn user(sqlite: &mut SqliteConnection, id: UserId) -> Result<User, PortError> {
    let row = users::table.find(id.get()).select(UserRow::as_select()).get_result(sqlite);
    User::try_from(row.or_port_error()?)
}

pub(crate) fn find_recipient(
    sqlite: &mut SqliteConnection,
    id: UserId,
) -> Result<Option<Recipient>, PortError> {
    let row = users::table.find(id.get()).select((UserRow::as_select(), RecoveryRow::as_select()));
    let row: Option<(UserRow, RecoveryRow)> = row.get_result(sqlite).optional().or_port_error()?;
    row.map(|(user, row)| recipient(user, row)).transpose()
}

/// Whose live token this is.
pub(crate) fn find(
    sqlite: &mut SqliteConnection,
    digest: &TokenDigest,
    purpose: Purpose,
    at: Timestamp,
) -> Result<Option<TokenHolder>, PortError> {
    let row: Option<(TokenRow, UserRow, RecoveryRow)> = tokens::table
        .inner_join(users::table)
        .filter(is_token(digest.as_str(), purpose.as_str()))
        .filter(is_live_at(at.into()))
        .select((TokenRow::as_select(), UserRow::as_select(), RecoveryRow::as_select()))
        .get_result(sqlite)
        .optional()
        .or_port_error()?;
    let Some((token, user, row)) = row else { return Ok(None) };
    let older = tokens::table.filter(is_older_undo(token.user_id, token.created_at, at.into()));
    // Nothing else asks.
    let is_oldest = purpose != Purpose::UndoEmailChange
        || diesel::select(not(exists(older))).get_result(sqlite).or_port_error()?;
    holder(token, user, &row, is_oldest).map(Some)
}

/// An account, active or not.
pub(crate) fn find_user(
    sqlite: &mut SqliteConnection,
    id: UserId,
) -> Result<Option<User>, PortError> {
    let row = users::table.find(id.get()).select(UserRow::as_select());
    row.get_result(sqlite).optional().or_port_error()?.map(User::try_from).transpose()
}
