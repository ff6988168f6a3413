//! Whom mails go to, and whose tokens are: read in the transactions of other modules.

use diesel::dsl::{exists, not};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use menjin_domain::accounts::User;
use menjin_domain::common::{Timestamp, UserId};
use menjin_domain::one_time::{Purpose, Recipient, TokenDigest, TokenHolder};
use menjin_infra_sql::one_time::{
    RecoveryRow, TokenRow, holder, is_live_at, is_older_undo, is_token, recipient,
};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::schema::one_time_tokens as tokens;

use crate::error::Abort;

/// Locks the account until the end of the transaction; `false` if it is gone.
pub(crate) async fn lock(postgres: &mut AsyncPgConnection, id: UserId) -> QueryResult<bool> {
    let account = users::table.find(id.get()).select(users::id).for_update();
    let found: Option<i64> = account.get_result(postgres).await.optional()?;
    Ok(found.is_some())
}

/// Whose live token this is.
pub(crate) async fn find<E>(
    postgres: &mut AsyncPgConnection,
    digest: &TokenDigest,
    purpose: Purpose,
    at: Timestamp,
) -> Result<Option<TokenHolder>, Abort<E>> {
    let row: Option<(TokenRow, UserRow, RecoveryRow)> = tokens::table
        .inner_join(users::table)
        .filter(is_token(digest.as_str(), purpose.as_str()))
        .filter(is_live_at(at.into()))
        .select((TokenRow::as_select(), UserRow::as_select(), RecoveryRow::as_select()))
        .get_result(postgres)
        .await
        .optional()?;
    let Some((token, user, row)) = row else { return Ok(None) };
    let older = tokens::table.filter(is_older_undo(token.user_id, token.created_at, at.into()));
    // Nothing else asks.
    let is_oldest = purpose != Purpose::UndoEmailChange
        || diesel::select(not(exists(older))).get_result(postgres).await?;
    Ok(Some(holder(token, user, &row, is_oldest)?))
}

/// An account that is there.
pub(crate) async fn user<E>(
    postgres: &mut AsyncPgConnection,
    id: UserId,
) -> Result<User, Abort<E>> {
    let row = users::table.find(id.get()).select(UserRow::as_select());
    let row: UserRow = row.get_result(postgres).await?;
    Ok(User::try_from(row)?)
}

pub(crate) async fn find_recipient<E>(
    postgres: &mut AsyncPgConnection,
    id: UserId,
) -> Result<Option<Recipient>, Abort<E>> {
    let row = users::table.find(id.get()).select((UserRow::as_select(), RecoveryRow::as_select()));
    let row: Option<(UserRow, RecoveryRow)> = row.get_result(postgres).await.optional()?;
    Ok(row.map(|(user, row)| recipient(user, row)).transpose()?)
}
