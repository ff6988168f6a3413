//! Invitations.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use menjin_domain::access::Roles;
use menjin_domain::accounts::User;
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::Timestamp;
use menjin_domain::invitations::{
    AcceptError, Acceptance, Invitation, InvitationId, InvitationOver, InvitationPage,
    InvitationQuery, InvitationRepository, NewInvitation, RoleAcceptance, TakeRoleError,
};
use menjin_domain::mail::NewMail;
use menjin_domain::one_time::{TokenDigest, TokenInvalid};
use menjin_infra_sql::invitations::{
    InvitationRow, InviterRow, NewInvitationRow, RenewedRow, below, invitation,
};
use menjin_infra_sql::one_time::MailboxRow;
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::schema::invitations;

use crate::PostgresStore;
use crate::audit::record;
use crate::error::{Abort, COMPONENT};
use crate::mails::enqueue;
use crate::recipients::{find_recipient, user};
use crate::sessions::end_open;
use crate::users::insert;

#[async_trait]
impl InvitationRepository for PostgresStore {
    async fn create(&self, new: NewInvitation) -> Result<Invitation, PortError> {
        self.transaction(new, |postgres, new| create(postgres, new).boxed()).await
    }

    async fn find(&self, id: InvitationId) -> Result<Option<Invitation>, PortError> {
        self.statement(id, |postgres, id| find(postgres, id.get()).boxed()).await
    }

    async fn find_by_token(&self, digest: &TokenDigest) -> Result<Option<Invitation>, PortError> {
        self.statement(digest.clone(), |postgres, digest| find_by_token(postgres, digest).boxed())
            .await
    }

    async fn list(&self, query: InvitationQuery) -> Result<InvitationPage, PortError> {
        self.snapshot(query, |postgres, query| list(postgres, query).boxed()).await
    }

    async fn renew(
        &self,
        id: InvitationId,
        digest: TokenDigest,
        mail: Option<NewMail>,
        roles: &Roles,
        context: AuditContext,
    ) -> Result<Invitation, Error<InvitationOver>> {
        let arguments = (id, digest, mail, roles.clone(), context);
        self.transaction(arguments, |postgres, (id, digest, mail, roles, context)| {
            renew(postgres, *id, digest, mail.as_ref(), roles, context).boxed()
        })
        .await
    }

    async fn revoke(&self, id: InvitationId, context: AuditContext) -> Result<bool, PortError> {
        self.transaction((id, context), |postgres, (id, context)| {
            revoke(postgres, *id, context).boxed()
        })
        .await
    }

    async fn accept(&self, acceptance: Acceptance) -> Result<User, Error<AcceptError>> {
        self.transaction(acceptance, |postgres, it| accept(postgres, it).boxed()).await
    }

    async fn take_role(&self, acceptance: RoleAcceptance) -> Result<User, Error<TakeRoleError>> {
        self.transaction(acceptance, |postgres, it| take_role(postgres, it).boxed()).await
    }

    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM invitations WHERE id IN (
            SELECT id FROM invitations WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";
        self.delete_in_parts(statement, before).await
    }
}

async fn create(
    postgres: &mut AsyncPgConnection,
    new: &NewInvitation,
) -> Result<Invitation, Abort<PortError>> {
    let row = diesel::insert_into(invitations::table).values(NewInvitationRow::from(new));
    let id: i64 = row.returning(invitations::id).get_result(postgres).await?;
    if let Some(mail) = &new.mail {
        enqueue(postgres, mail, None).await?;
    }
    record(postgres, &new.context.clone().event(AuditAction::InvitationCreated)).await?;
    let made = find(postgres, id).await?;
    Ok(made.ok_or_else(|| PortError::internal(COMPONENT, "an invitation is not there"))?)
}

async fn list(
    postgres: &mut AsyncPgConnection,
    query: &InvitationQuery,
) -> Result<InvitationPage, Abort<PortError>> {
    let total: i64 = invitations::table.count().get_result(postgres).await?;
    let rows: Vec<(InvitationRow, Option<InviterRow>)> = invitations::table
        .left_join(users::table)
        .filter(invitations::id.lt(below(query)))
        .order(invitations::id.desc())
        .limit(query.limit.into())
        .select((InvitationRow::as_select(), Option::<InviterRow>::as_select()))
        .load(postgres)
        .await?;
    let invitations = rows.into_iter().map(invitation).collect::<Result<_, PortError>>()?;
    Ok(InvitationPage { invitations, total: u64::try_from(total).unwrap_or(0) })
}

async fn renew(
    postgres: &mut AsyncPgConnection,
    id: InvitationId,
    digest: &TokenDigest,
    mail: Option<&NewMail>,
    roles: &Roles,
    context: &AuditContext,
) -> Result<Invitation, Abort<Error<InvitationOver>>> {
    let over = || Abort::Refused(Error::Refused(InvitationOver));
    lock(postgres, id.get()).await?;
    let found = find(postgres, id.get()).await?.ok_or_else(over)?;
    if !found.is_renewable(context.at, roles) {
        return Err(over());
    }
    diesel::update(invitations::table.find(id.get()))
        .set(RenewedRow::new(digest, &found, context.at))
        .execute(postgres)
        .await?;
    if let Some(mail) = mail {
        enqueue(postgres, mail, None).await?;
    }
    record(postgres, &context.clone().event(AuditAction::InvitationResent)).await?;
    find(postgres, id.get()).await?.ok_or_else(over)
}

async fn revoke(
    postgres: &mut AsyncPgConnection,
    id: InvitationId,
    context: &AuditContext,
) -> Result<bool, Abort<PortError>> {
    let open = invitations::table.find(id.get()).filter(invitations::revoked_at.is_null());
    let revoked = invitations::revoked_at.eq(Micros::from(context.at));
    if diesel::update(open).set(revoked).execute(postgres).await? > 0 {
        record(postgres, &context.clone().event(AuditAction::InvitationRevoked)).await?;
        return Ok(true);
    }
    Ok(find(postgres, id.get()).await?.is_some())
}

async fn accept(
    postgres: &mut AsyncPgConnection,
    acceptance: &Acceptance,
) -> Result<User, Abort<Error<AcceptError>>> {
    let refused = |error| Abort::Refused(Error::Refused(error));
    let new = &acceptance.user;
    let found = find_locked(postgres, &acceptance.digest).await?;
    let found =
        found.filter(|it| it.is_open(new.created_at(), &acceptance.roles) && it.role == new.role);
    let found = found.ok_or(refused(AcceptError::TokenInvalid(TokenInvalid)))?;
    let created = match insert(postgres, new).await {
        Ok(created) => created,
        Err(Abort::Refused(error)) => return Err(Abort::Refused(error.cast())),
        Err(Abort::Failed(error)) => return Err(error.into()),
        Err(Abort::Port(error)) => return Err(error.into()),
    };
    count(postgres, &found).await?;
    if let Some(mail) = &new.mail {
        enqueue(postgres, mail, Some(created.id)).await?;
    }
    Ok(created)
}

async fn take_role(
    postgres: &mut AsyncPgConnection,
    acceptance: &RoleAcceptance,
) -> Result<User, Abort<Error<TakeRoleError>>> {
    let refused = |error| Abort::Refused(Error::Refused(error));
    let RoleAcceptance { user_id, from, to, proves_email, keep_session, roles, context, .. } =
        acceptance;
    let found = find_locked(postgres, &acceptance.digest).await?;
    let found = found.filter(|it| it.is_open(context.at, roles) && it.role == *to);
    let found = found.ok_or(refused(TakeRoleError::TokenInvalid(TokenInvalid)))?;
    let (id, at) = (user_id.get(), Micros::from(context.at));
    let account =
        users::table.find(id).filter(users::is_active).filter(users::role.eq(from.as_str()));
    let changed = diesel::update(account)
        .set((users::role.eq(to.as_str()), users::updated_at.eq(at)))
        .execute(postgres)
        .await?;
    if changed == 0 {
        return Err(refused(TakeRoleError::Stale));
    }
    let stale = || refused(TakeRoleError::Stale);
    let before = find_recipient(postgres, *user_id).await?.ok_or_else(stale)?;
    if !found.is_for(&before.user.email) {
        return Err(stale());
    }
    if *proves_email {
        let mailbox = before.with_proof(false, context.at);
        let row = MailboxRow::new(&mailbox, context.at);
        diesel::update(users::table.find(id)).set(row).execute(postgres).await?;
    }
    count(postgres, &found).await?;
    end_open(postgres, *user_id, Some(*keep_session), at).await?;
    let event = context.clone().event(AuditAction::InvitationAccepted);
    record(postgres, &event.on(*user_id)).await?;
    user(postgres, *user_id).await
}

/// Counts a use.
async fn count(postgres: &mut AsyncPgConnection, invitation: &Invitation) -> QueryResult<()> {
    let row = invitations::table.find(invitation.id.get());
    let used = invitations::uses.eq(invitations::uses + 1);
    diesel::update(row).set(used).execute(postgres).await.map(drop)
}

/// Locks the invitation until the end of the transaction.
async fn lock(postgres: &mut AsyncPgConnection, id: i64) -> QueryResult<()> {
    let row = invitations::table.find(id).select(invitations::id).for_update();
    let _found: Option<i64> = row.get_result(postgres).await.optional()?;
    Ok(())
}

/// The invitation of a token, locked: whoever accepts it at the same time waits.
async fn find_locked<E>(
    postgres: &mut AsyncPgConnection,
    digest: &TokenDigest,
) -> Result<Option<Invitation>, Abort<E>> {
    let row = invitations::table
        .filter(invitations::digest.eq(digest.as_str()))
        .select(invitations::id)
        .for_update();
    let id: Option<i64> = row.get_result(postgres).await.optional()?;
    match id {
        // Read again: it may have been used while this waited.
        Some(_id) => find_by_token(postgres, digest).await,
        None => Ok(None),
    }
}

async fn find<E>(
    postgres: &mut AsyncPgConnection,
    id: i64,
) -> Result<Option<Invitation>, Abort<E>> {
    let row = invitations::table
        .left_join(users::table)
        .filter(invitations::id.eq(id))
        .select((InvitationRow::as_select(), Option::<InviterRow>::as_select()));
    let row: Option<_> = row.get_result(postgres).await.optional()?;
    Ok(row.map(invitation).transpose()?)
}

async fn find_by_token<E>(
    postgres: &mut AsyncPgConnection,
    digest: &TokenDigest,
) -> Result<Option<Invitation>, Abort<E>> {
    let row = invitations::table
        .left_join(users::table)
        .filter(invitations::digest.eq(digest.as_str()))
        .select((InvitationRow::as_select(), Option::<InviterRow>::as_select()));
    let row: Option<_> = row.get_result(postgres).await.optional()?;
    Ok(row.map(invitation).transpose()?)
}
