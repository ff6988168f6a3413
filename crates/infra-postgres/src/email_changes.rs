//! Changes of addresses: at once, by a link, and back.

use diesel::dsl::{exists, select};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use menjin_domain::accounts::{Email, UpdateProfileError, User};
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{Timestamp, UserId};
use menjin_domain::mail::NewMail;
use menjin_domain::one_time::{
    ConfirmEmailChangeError, EmailChange, EmailChangeMails, EmailChangeRequest, EmailChangeUndo,
    NewAddress, Purpose, RESET_DELAY, Recipient, TokenInvalid,
};
use menjin_infra_sql::one_time::{
    MailboxRow, NewTokenRow, PendingRow, is_void_after_undo, keeps_address,
};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::is_verified;
use menjin_infra_sql::schema::one_time_tokens as tokens;

use crate::audit::record;
use crate::error::{Abort, violates};
use crate::mails::enqueue;
use crate::mfa::take_away;
use crate::recipients::{find, find_recipient, lock, user};
use crate::sessions::end_open;

/// Whether another account has this address, or can have it back. After the address was written, this
/// also sees a change that was committed while the write waited for it.
pub(crate) async fn is_anothers(
    postgres: &mut AsyncPgConnection,
    address: &str,
    but: UserId,
    at: Timestamp,
) -> QueryResult<bool> {
    let has =
        users::table.filter(users::email_canonical.eq(address)).filter(users::id.ne(but.get()));
    let keeps = tokens::table.filter(keeps_address(address, but.get(), at.into()));
    let (has, keeps): (bool, bool) =
        select((exists(has), exists(keeps))).get_result(postgres).await?;
    Ok(has || keeps)
}

/// Gives the account another address, and appends the mails.
pub(crate) async fn change(
    postgres: &mut AsyncPgConnection,
    before: &Recipient,
    email: &Email,
    how: NewAddress,
    mails: Option<&EmailChangeMails>,
    at: Timestamp,
) -> Result<(), Abort<Error<UpdateProfileError>>> {
    let id = before.user.id;
    let taken = || Abort::Refused(Error::Refused(UpdateProfileError::EmailTaken));
    let mailbox = before.with_address(email, how, at);
    let account = users::table.find(id.get());
    let changed =
        diesel::update(account).set(MailboxRow::new(&mailbox, at)).execute(postgres).await;
    match changed {
        Err(error) if violates(&error, "users_email_taken") => return Err(taken()),
        changed => changed?,
    };
    if is_anothers(postgres, email.canonical(), id, at).await? {
        return Err(taken());
    }
    let Some(mails) = mails else { return Ok(()) };
    let (notice, undo) = mails.of_change(before);
    let mail = enqueue(postgres, &notice, Some(id)).await?;
    if let Some(mut undo) = undo {
        undo.mail = Some(mail);
        let row = NewTokenRow::from(&undo);
        diesel::insert_into(tokens::table).values(row).execute(postgres).await?;
    }
    if let Some(verification) = &mails.verification {
        enqueue(postgres, verification, Some(id)).await?;
    }
    Ok(())
}

pub(crate) async fn request(
    postgres: &mut AsyncPgConnection,
    change: &EmailChangeRequest,
) -> Result<bool, Abort<PortError>> {
    let id = change.user_id;
    let account = users::table.filter(is_verified(id.get(), change.version.0));
    if diesel::update(account).set(PendingRow::from(change)).execute(postgres).await? == 0 {
        return Ok(false);
    }
    enqueue(postgres, &change.mail, Some(id)).await?;
    let event = change.context.clone().event(AuditAction::EmailChangeRequested);
    record(postgres, &event.on(id)).await?;
    Ok(true)
}

pub(crate) async fn withdraw(
    postgres: &mut AsyncPgConnection,
    id: UserId,
    context: &AuditContext,
) -> Result<(), Abort<PortError>> {
    let account = users::table.find(id.get()).filter(users::pending_email.is_not_null());
    if diesel::update(account).set(PendingRow::default()).execute(postgres).await? == 0 {
        return Ok(());
    }
    let links = tokens::table
        .filter(tokens::user_id.eq(id.get()))
        .filter(tokens::purpose.eq(Purpose::ChangeEmail.as_str()))
        .filter(tokens::ended_at.is_null());
    let ended = tokens::ended_at.eq(Micros::from(context.at));
    diesel::update(links).set(ended).execute(postgres).await?;
    record(postgres, &context.clone().event(AuditAction::EmailChangeWithdrawn).on(id)).await?;
    Ok(())
}

pub(crate) async fn confirm(
    postgres: &mut AsyncPgConnection,
    change: &EmailChange,
) -> Result<User, Abort<Error<ConfirmEmailChangeError>>> {
    let refused = |error| Abort::Refused(Error::Refused(error));
    let invalid = || refused(ConfirmEmailChangeError::TokenInvalid(TokenInvalid));
    let (id, at) = (change.user_id, change.at);
    lock(postgres, id).await?;
    let found = find(postgres, &change.digest, Purpose::ChangeEmail, at).await?;
    if found.is_none_or(|holder| holder.user.id != id) {
        return Err(invalid());
    }
    let before = find_recipient(postgres, id).await?.ok_or_else(invalid)?;
    let email = before.user.pending_email.clone().ok_or_else(invalid)?;
    let (how, mails) = (NewAddress::Confirmed, change.mails.as_ref());
    match self::change(postgres, &before, &email, how, mails, at).await {
        Ok(()) => {}
        Err(Abort::Refused(Error::Refused(_taken))) => {
            return Err(refused(ConfirmEmailChangeError::EmailTaken));
        }
        Err(Abort::Refused(Error::Port(error)) | Abort::Port(error)) => return Err(error.into()),
        Err(Abort::Failed(error)) => return Err(error.into()),
    }
    let account = users::table.find(id.get());
    diesel::update(account).set(PendingRow::default()).execute(postgres).await?;
    let token = tokens::table.find(change.digest.as_str());
    let ended = tokens::ended_at.eq(Micros::from(at));
    diesel::update(token).set(ended).execute(postgres).await?;
    record(postgres, &change.event()).await?;
    user(postgres, id).await
}

pub(crate) async fn undo(
    postgres: &mut AsyncPgConnection,
    undo: &EmailChangeUndo,
) -> Result<User, Abort<Error<TokenInvalid>>> {
    let invalid = || Abort::Refused(Error::Refused(TokenInvalid));
    let (id, at) = (undo.user_id, Micros::from(undo.at));
    lock(postgres, id).await?;
    let found = find(postgres, &undo.digest, Purpose::UndoEmailChange, undo.at).await?;
    let holder = found.filter(|holder| holder.user.id == id).ok_or_else(invalid)?;
    let keeps_factor = holder.keeps_factor();
    let email = holder.gives_back.ok_or_else(invalid)?;
    let before = find_recipient(postgres, id).await?.ok_or_else(invalid)?;
    let mailbox = before.with_address_back(&email, undo.at);
    let account = users::table.find(id.get());
    let row = MailboxRow::new(&mailbox, undo.at);
    match diesel::update(account).set(row).execute(postgres).await {
        Err(error) if violates(&error, "users_email_taken") => return Err(invalid()),
        changed => changed?,
    };
    diesel::update(account)
        .set((
            PendingRow::default(),
            users::credential_version.eq(users::credential_version + 1),
            users::reset_after.eq(Micros::from(undo.at + RESET_DELAY)),
        ))
        .execute(postgres)
        .await?;
    if before.user.has_factor && !keeps_factor {
        take_away(postgres, id).await?;
    }
    let void = is_void_after_undo(id.get(), undo.digest.as_str(), holder.created_at.into());
    diesel::update(tokens::table.filter(void))
        .set(tokens::ended_at.eq(at))
        .execute(postgres)
        .await?;
    end_open(postgres, id, None, at).await?;
    for (mail, to) in undo.mails.iter().zip([email.as_str(), before.user.email.as_str()]) {
        let mail = NewMail { to: Some(to.to_owned()), ..mail.clone() };
        enqueue(postgres, &mail, Some(id)).await?;
    }
    record(postgres, &undo.event()).await?;
    user(postgres, id).await
}
