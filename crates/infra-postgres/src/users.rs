//! Accounts.

use diesel::dsl::{exists, select};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use menjin_domain::accounts::{
    AccountChange, AccountRepository, AddressChange, Authority, ChangeUserError, CreateUserError,
    Email, FoundUsers, NewUser, ProfileChanges, Role, UpdateProfileError, User, UserPage,
    UserQuery, UserSearch,
};
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{Timestamp, UserId};
use menjin_domain::import::{ImportBatch, Imported, RowRefusal};
use menjin_domain::one_time::{NewAddress, Recipient};
use menjin_infra_sql::one_time::keeps_address;
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::schema::one_time_tokens as tokens;

use crate::PostgresStore;
use crate::account_changes;
use crate::audit::record;
use crate::deletions;
use crate::email_changes;
use crate::error::{Abort, COMPONENT};
use crate::importing;
use crate::listing;
use crate::mails::enqueue;
use crate::recipients::{find_recipient, lock};
use crate::recorded::{Recorded, Subject};
use crate::search;
use crate::terms::insert_terms;

#[async_trait]
impl AccountRepository for PostgresStore {
    /// Ids are drawn before the commit: of two accounts created at the same moment, the one with
    /// the lower id may become visible first or last. To hand out ids in the order of commits, all
    /// registrations would have to queue behind each other.
    async fn create(&self, user: NewUser) -> Result<User, Error<CreateUserError>> {
        // Alone, the account and its record are one statement; with a mail or attributes there are others.
        if user.mail.is_none() && user.profile.attributes.is_empty() {
            return self.statement(user, |postgres, user| create(postgres, user).boxed()).await;
        }
        self.transaction(user, |postgres, user| create(postgres, user).boxed()).await
    }

    async fn find(&self, id: UserId) -> Result<Option<User>, PortError> {
        self.statement(id, |postgres, id| {
            async move {
                let row = users::table.find(id.get()).select(UserRow::as_select());
                let row: Option<UserRow> = row.get_result(postgres).await.optional()?;
                Ok(row.map(User::try_from).transpose()?)
            }
            .boxed()
        })
        .await
    }

    async fn update_profile(
        &self,
        id: UserId,
        changes: ProfileChanges,
        context: AuditContext,
    ) -> Result<Option<User>, Error<UpdateProfileError>> {
        self.transaction((id, changes, context), |postgres, (id, changes, context)| {
            update_profile(postgres, *id, changes, context).boxed()
        })
        .await
    }

    async fn list(&self, query: UserQuery) -> Result<UserPage, PortError> {
        self.snapshot(query, |postgres, query| listing::page(postgres, query).boxed()).await
    }

    async fn search(&self, search: UserSearch) -> Result<FoundUsers, PortError> {
        self.snapshot(search, |postgres, search| search::search(postgres, search).boxed()).await
    }

    async fn change(
        &self,
        id: UserId,
        change: AccountChange,
        authority: Authority,
    ) -> Result<Option<User>, Error<ChangeUserError>> {
        self.transaction((id, change, authority), |postgres, (id, change, authority)| {
            account_changes::change(postgres, *id, change, authority).boxed()
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
        self.transaction(at, |postgres, at| deletions::delete_due(postgres, *at).boxed()).await
    }

    async fn delete_unverified(
        &self,
        created_before: Timestamp,
        roles: &[Role],
        at: Timestamp,
    ) -> Result<u64, PortError> {
        let arguments = (created_before, roles.to_vec(), at);
        self.transaction(arguments, |postgres, (before, roles, at)| {
            deletions::delete_unverified(postgres, *before, roles, *at).boxed()
        })
        .await
    }
}

async fn create(
    postgres: &mut AsyncPgConnection,
    user: &NewUser,
) -> Result<User, Abort<Error<CreateUserError>>> {
    let created = insert(postgres, user).await?;
    if let Some(mail) = &user.mail {
        enqueue(postgres, mail, Some(created.id)).await?;
    }
    Ok(created)
}

/// Makes an account, and appends the record of it.
pub(crate) async fn insert(
    postgres: &mut AsyncPgConnection,
    user: &NewUser,
) -> Result<User, Abort<Error<CreateUserError>>> {
    // Ask first, to spare an id: an insert draws an id even if it fails.
    if let Some(taken) = who_has(postgres, user).await? {
        return Err(Abort::Refused(taken));
    }
    let insert = diesel::insert_into(users::table)
        .values(NewUserRow::from(user))
        .on_conflict_do_nothing()
        .returning(UserRow::as_returning());
    let insert = Recorded::new(insert, user.event(), Subject::Changed("id"));
    let row: Option<UserRow> = insert.get_result(postgres).await.optional()?;
    if let Some(row) = row {
        let created = User::try_from(row)?;
        insert_terms(postgres, TermRow::of(created.id, &user.profile.attributes)).await?;
        return Ok(created);
    }
    // Somebody was faster. The constraint does not tell whether name or address is taken:
    // PostgreSQL names the one whose index it looks at first.
    let taken = who_has(postgres, user).await?;
    let odd = || PortError::internal(COMPONENT, "a conflict with a user who is not there");
    Err(taken.map_or_else(|| Abort::Port(odd()), Abort::Refused))
}

/// No account has this id.
const NOBODY: i64 = 0;

/// Who has the name or the address. An address that is being given up is seen as the one or as the other:
/// its account has it, or keeps it.
async fn who_has(
    postgres: &mut AsyncPgConnection,
    user: &NewUser,
) -> QueryResult<Option<Error<CreateUserError>>> {
    let name = users::table.filter(users::username_canonical.eq(user.username.canonical()));
    let address = user.email.canonical();
    let email = users::table.filter(users::email_canonical.eq(address));
    let keeps = tokens::table.filter(keeps_address(address, NOBODY, user.created_at().into()));
    let taken = select((exists(name), exists(email), exists(keeps)));
    let taken: (bool, bool, bool) = taken.get_result(postgres).await?;
    Ok(match taken {
        (true, ..) => Some(Error::Refused(CreateUserError::UsernameTaken)),
        (false, false, false) => None,
        (false, ..) => Some(Error::Refused(CreateUserError::EmailTaken)),
    })
}

async fn update_profile(
    postgres: &mut AsyncPgConnection,
    id: UserId,
    changes: &ProfileChanges,
    context: &AuditContext,
) -> Result<Option<User>, Abort<Error<UpdateProfileError>>> {
    if let Some(email) = &changes.email {
        lock(postgres, id).await?;
        let before = find_recipient(postgres, id).await?.filter(|found| found.user.is_active);
        let Some(before) = before else { return Ok(None) };
        change_address(postgres, &before, email, &changes.address, context.at).await?;
    }
    let account = users::table.filter(users::id.eq(id.get())).filter(users::is_active);
    let updated: QueryResult<UserRow> = diesel::update(account)
        .set(ProfileRow::new(changes, context.at))
        .returning(UserRow::as_returning())
        .get_result(postgres)
        .await;
    let Some(row) = updated.optional()? else { return Ok(None) };
    let event = context.clone().event(AuditAction::ProfileUpdated).on(id);
    record(postgres, &event.changing(changes.changed_fields())).await?;
    Ok(Some(row.try_into()?))
}

/// Changes an address with the profile: to another, or to another way of writing it.
async fn change_address(
    postgres: &mut AsyncPgConnection,
    before: &Recipient,
    email: &Email,
    change: &AddressChange,
    at: Timestamp,
) -> Result<(), Abort<Error<UpdateProfileError>>> {
    if email.is_same_mailbox(&before.user.email) {
        diesel::update(users::table.find(before.user.id.get()))
            .set((users::email.eq(email.as_str()), users::email_canonical.eq(email.canonical())))
            .execute(postgres)
            .await?;
        return Ok(());
    }
    if !change.is_allowed {
        return Err(Abort::Refused(Error::Refused(UpdateProfileError::AnotherMailbox)));
    }
    let how = NewAddress::Direct { by_password: change.by_password };
    email_changes::change(postgres, before, email, how, change.mails.as_ref(), at).await
}
