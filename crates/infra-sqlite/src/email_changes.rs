//! Changes of addresses: at once, by a link, and back.

use diesel::dsl::{exists, select};
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
use crate::error::{OrPortError, is_taken};
use crate::mails::enqueue;
use crate::mfa::take_away;
use crate::recipients::{find, find_recipient, user};
use crate::sessions::end_open;

/// Whether another account has this address, or can have it back.
pub(crate) fn is_anothers(
    sqlite: &mut SqliteConnection,
    address: &str,
    but: UserId,
    at: Timestamp,
) -> Result<bool, PortError> {
    let has =
        users::table.filter(users::email_canonical.eq(address)).filter(users::id.ne(but.get()));
    let keeps = tokens::table.filter(keeps_address(address, but.get(), at.into()));
    let (has, keeps): (bool, bool) =
        select((exists(has), exists(keeps))).get_result(sqlite).or_port_error()?;
    Ok(has || keeps)
}

/// Gives the account another address, and appends the mails.
pub(crate) fn change(
    sqlite: &mut SqliteConnection,
    before: &Recipient,
    email: &Email,
    how: NewAddress,
    mails: Option<&EmailChangeMails>,
    at: Timestamp,
) -> Result<(), Error<UpdateProfileError>> {
    let id = before.user.id;
    let taken = || Error::Refused(UpdateProfileError::EmailTaken);
    let mailbox = before.with_address(email, how, at);
    let account = users::table.find(id.get());
    match diesel::update(account).set(MailboxRow::new(&mailbox, at)).execute(sqlite) {
        Err(error) if is_taken(&error) => return Err(taken()),
        changed => changed.or_port_error()?,
    };
    if is_anothers(sqlite, email.canonical(), id, at)? {
        return Err(taken());
    }
    let Some(mails) = mails else { return Ok(()) };
    let (notice, undo) = mails.of_change(before);
    let mail = enqueue(sqlite, &notice, Some(id))?;
    if let Some(mut undo) = undo {
        undo.mail = Some(mail);
        let row = NewTokenRow::from(&undo);
        diesel::insert_into(tokens::table).values(row).execute(sqlite).or_port_error()?;
    }
    if let Some(verification) = &mails.verification {
        enqueue(sqlite, verification, Some(id))?;
    }
    Ok(())
}

pub(crate) fn request(
    sqlite: &mut SqliteConnection,
    change: &EmailChangeRequest,
) -> Result<bool, PortError> {
    let id = change.user_id;
    let account = users::table.filter(is_verified(id.get(), change.version.0));
    if diesel::update(account).set(PendingRow::from(change)).execute(sqlite).or_port_error()? == 0 {
        return Ok(false);
    }
    enqueue(sqlite, &change.mail, Some(id))?;
    let event = change.context.clone().event(AuditAction::EmailChangeRequested);
    record(sqlite, &event.on(id))?;
    Ok(true)
}

pub(crate) fn withdraw(
    sqlite: &mut SqliteConnection,
    id: UserId,
    context: &AuditContext,
) -> Result<(), PortError> {
    let account = users::table.find(id.get()).filter(users::pending_email.is_not_null());
    if diesel::update(account).set(PendingRow::default()).execute(sqlite).or_port_error()? == 0 {
        return Ok(());
    }
    let links = tokens::table
        .filter(tokens::user_id.eq(id.get()))
        .filter(tokens::purpose.eq(Purpose::ChangeEmail.as_str()))
        .filter(tokens::ended_at.is_null());
    diesel::update(links)
        .set(tokens::ended_at.eq(Micros::from(context.at)))
        .execute(sqlite)
        .or_port_error()?;
    record(sqlite, &context.clone().event(AuditAction::EmailChangeWithdrawn).on(id))
}

pub(crate) fn confirm(
    sqlite: &mut SqliteConnection,
    change: &EmailChange,
) -> Result<User, Error<ConfirmEmailChangeError>> {
    let invalid = || Error::Refused(ConfirmEmailChangeError::TokenInvalid(TokenInvalid));
    let (id, at) = (change.user_id, change.at);
    let found = find(sqlite, &change.digest, Purpose::ChangeEmail, at)?;
    if found.is_none_or(|holder| holder.user.id != id) {
        return Err(invalid());
    }
    let before = find_recipient(sqlite, id)?.ok_or_else(invalid)?;
    let email = before.user.pending_email.clone().ok_or_else(invalid)?;
    let mails = change.mails.as_ref();
    match self::change(sqlite, &before, &email, NewAddress::Confirmed, mails, at) {
        Err(Error::Refused(_taken)) => {
            return Err(Error::Refused(ConfirmEmailChangeError::EmailTaken));
        }
        Err(Error::Port(error)) => return Err(error.into()),
        Ok(()) => {}
    }
    let account = users::table.find(id.get());
    diesel::update(account).set(PendingRow::default()).execute(sqlite).or_port_error()?;
    diesel::update(tokens::table.find(change.digest.as_str()))
        .set(tokens::ended_at.eq(Micros::from(at)))
        .execute(sqlite)
        .or_port_error()?;
    record(sqlite, &change.event())?;
    Ok(user(sqlite, id)?)
}

pub(crate) fn undo(
    sqlite: &mut SqliteConnection,
    undo: &EmailChangeUndo,
) -> Result<User, Error<TokenInvalid>> {
    let invalid = || Error::Refused(TokenInvalid);
    let (id, at) = (undo.user_id, Micros::from(undo.at));
    let found = find(sqlite, &undo.digest, Purpose::UndoEmailChange, undo.at)?;
    let holder = found.filter(|holder| holder.user.id == id).ok_or_else(invalid)?;
    let keeps_factor = holder.keeps_factor();
    let email = holder.gives_back.ok_or_else(invalid)?;
    let before = find_recipient(sqlite, id)?.ok_or_else(invalid)?;
    let mailbox = before.with_address_back(&email, undo.at);
    let account = users::table.find(id.get());
    match diesel::update(account).set(MailboxRow::new(&mailbox, undo.at)).execute(sqlite) {
        Err(error) if is_taken(&error) => return Err(invalid()),
        changed => changed.or_port_error()?,
    };
    diesel::update(account)
        .set((
            PendingRow::default(),
            users::credential_version.eq(users::credential_version + 1),
            users::reset_after.eq(Micros::from(undo.at + RESET_DELAY)),
        ))
        .execute(sqlite)
        .or_port_error()?;
    if before.user.has_factor && !keeps_factor {
        take_away(sqlite, id)?;
    }
    let void = is_void_after_undo(id.get(), undo.digest.as_str(), holder.created_at.into());
    diesel::update(tokens::table.filter(void))
        .set(tokens::ended_at.eq(at))
        .execute(sqlite)
        .or_port_error()?;
    end_open(sqlite, id, None, at)?;
    for (mail, to) in undo.mails.iter().zip([email.as_str(), before.user.email.as_str()]) {
        let mail = NewMail { to: Some(to.to_owned()), ..mail.clone() };
        enqueue(sqlite, &mail, Some(id))?;
    }
    record(sqlite, &undo.event())?;
    Ok(user(sqlite, id)?)
}
