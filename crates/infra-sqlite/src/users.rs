//! Accounts.

use menjin_domain::accounts::{
    AccountChange, AccountRepository, AddressChange, Authority, ChangeUserError, CreateUserError,
    Email, FoundUsers, NewUser, ProfileChanges, Role, UpdateProfileError, User, UserPage,
    UserQuery, UserSearch,
};
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{Timestamp, UserId};
use menjin_domain::import::{ImportBatch, Imported, RowRefusal};
use menjin_domain::one_time::{NewAddress, Recipient};
use menjin_infra_sql::prelude::*;

use crate::SqliteStore;
use crate::account_changes;
use crate::audit::record;
use crate::deletions;
use crate::email_changes;
use crate::error::OrPortError;
use crate::importing;
use crate::inserting::insert;
use crate::listing;
use crate::mails::enqueue;
use crate::recipients::{find_recipient, find_user};
use crate::search;

#[async_trait]
impl AccountRepository for SqliteStore {
    async fn create(&self, user: NewUser) -> Result<User, Error<CreateUserError>> {
        self.write(move |sqlite| {
            let created = insert(sqlite, &user)?;
            record(sqlite, &user.event().on(created.id))?;
            if let Some(mail) = &user.mail {
                enqueue(sqlite, mail, Some(created.id))?;
            }
            Ok(created)
        })
        .await
    }

    async fn find(&self, id: UserId) -> Result<Option<User>, PortError> {
        self.read(move |sqlite| find_user(sqlite, id)).await
    }

    async fn update_profile(
        &self,
        id: UserId,
        changes: ProfileChanges,
        context: AuditContext,
    ) -> Result<Option<User>, Error<UpdateProfileError>> {
        self.write(move |sqlite| {
            if let Some(email) = &changes.email {
                let before = find_recipient(sqlite, id)?.filter(|found| found.user.is_active);
                let Some(before) = before else { return Ok(None) };
                change_address(sqlite, &before, email, &changes.address, context.at)?;
            }
            let account = users::table.filter(users::id.eq(id.get())).filter(users::is_active);
            let updated = diesel::update(account)
                .set(ProfileRow::new(&changes, context.at))
                .returning(UserRow::as_returning())
                .get_result::<UserRow>(sqlite);
            let Some(row) = updated.optional().or_port_error()? else { return Ok(None) };
            let event = context.event(AuditAction::ProfileUpdated).on(id);
            record(sqlite, &event.changing(changes.changed_fields()))?;
            Ok(Some(row.try_into()?))
        })
        .await
    }

    async fn list(&self, query: UserQuery) -> Result<UserPage, PortError> {
        self.read_together(move |sqlite| listing::page(sqlite, query)).await
    }

    async fn search(&self, search: UserSearch) -> Result<FoundUsers, PortError> {
        self.read_together(move |sqlite| search::search(sqlite, &search)).await
    }

    async fn change(
        &self,
        id: UserId,
        change: AccountChange,
        authority: Authority,
    ) -> Result<Option<User>, Error<ChangeUserError>> {
        self.write(move |sqlite| {
            let changed = account_changes::change(sqlite, id, &change, &authority)?;
            Ok(changed.map(|changed| changed.user))
        })
        .await
    }

    async fn import(
        &self,
        batch: ImportBatch,
    ) -> Result<Vec<Result<Imported, RowRefusal>>, PortError> {
        importing::import(self, batch).await
    }

    async fn delete_due(&self, at: Timestamp) -> Result<u64, PortError> {
        self.write(move |sqlite| deletions::delete_due(sqlite, at)).await
    }

    async fn delete_unverified(
        &self,
        created_before: Timestamp,
        roles: &[Role],
        at: Timestamp,
    ) -> Result<u64, PortError> {
        let roles = roles.to_vec();
        self.write(move |sqlite| deletions::delete_unverified(sqlite, created_before, &roles, at))
            .await
    }
}

/// Changes an address with the profile: to another, or to another way of writing it.
fn change_address(
    sqlite: &mut SqliteConnection,
    before: &Recipient,
    email: &Email,
    change: &AddressChange,
    at: Timestamp,
) -> Result<(), Error<UpdateProfileError>> {
    if email.is_same_mailbox(&before.user.email) {
        diesel::update(users::table.find(before.user.id.get()))
            .set((users::email.eq(email.as_str()), users::email_canonical.eq(email.canonical())))
            .execute(sqlite)
            .or_port_error()?;
        return Ok(());
    }
    if !change.is_allowed {
        return Err(Error::Refused(UpdateProfileError::AnotherMailbox));
    }
    let how = NewAddress::Direct { by_password: change.by_password };
    email_changes::change(sqlite, before, email, how, change.mails.as_ref(), at)
}
