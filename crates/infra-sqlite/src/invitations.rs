//! Invitations.

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

use crate::SqliteStore;
use crate::audit::record;
use crate::error::OrPortError;
use crate::inserting::insert;
use crate::mails::enqueue;
use crate::recipients::{find_recipient, user};
use crate::sessions::end_open;

#[async_trait]
impl InvitationRepository for SqliteStore {
    async fn create(&self, new: NewInvitation) -> Result<Invitation, PortError> {
        self.write(move |sqlite| {
            let row = diesel::insert_into(invitations::table).values(NewInvitationRow::from(&new));
            let id: i64 = row.returning(invitations::id).get_result(sqlite).or_port_error()?;
            if let Some(mail) = &new.mail {
                enqueue(sqlite, mail, None)?;
            }
            record(sqlite, &new.context.clone().event(AuditAction::InvitationCreated))?;
            let made = find(sqlite, id)?;
            made.ok_or_else(|| PortError::internal("database", "an invitation is not there"))
        })
        .await
    }

    async fn find(&self, id: InvitationId) -> Result<Option<Invitation>, PortError> {
        self.read(move |sqlite| find(sqlite, id.get())).await
    }

    async fn find_by_token(&self, digest: &TokenDigest) -> Result<Option<Invitation>, PortError> {
        let digest = digest.clone();
        self.read(move |sqlite| find_by_token(sqlite, &digest)).await
    }

    async fn list(&self, query: InvitationQuery) -> Result<InvitationPage, PortError> {
        self.read_together(move |sqlite| {
            let total: i64 = invitations::table.count().get_result(sqlite).or_port_error()?;
            let rows: Vec<(InvitationRow, Option<InviterRow>)> = invitations::table
                .left_join(users::table)
                .filter(invitations::id.lt(below(&query)))
                .order(invitations::id.desc())
                .limit(query.limit.into())
                .select((InvitationRow::as_select(), Option::<InviterRow>::as_select()))
                .load(sqlite)
                .or_port_error()?;
            let invitations = rows.into_iter().map(invitation).collect::<Result<_, _>>()?;
            Ok(InvitationPage { invitations, total: u64::try_from(total).unwrap_or(0) })
        })
        .await
    }

    async fn renew(
        &self,
        id: InvitationId,
        digest: TokenDigest,
        mail: Option<NewMail>,
        roles: &Roles,
        context: AuditContext,
    ) -> Result<Invitation, Error<InvitationOver>> {
        let roles = roles.clone();
        self.write(move |sqlite| {
            let over = || Error::Refused(InvitationOver);
            let found = find(sqlite, id.get())?.ok_or_else(over)?;
            if !found.is_renewable(context.at, &roles) {
                return Err(over());
            }
            diesel::update(invitations::table.find(id.get()))
                .set(RenewedRow::new(&digest, &found, context.at))
                .execute(sqlite)
                .or_port_error()?;
            if let Some(mail) = &mail {
                enqueue(sqlite, mail, None)?;
            }
            record(sqlite, &context.event(AuditAction::InvitationResent))?;
            find(sqlite, id.get())?.ok_or_else(over)
        })
        .await
    }

    async fn revoke(&self, id: InvitationId, context: AuditContext) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let open = invitations::table.find(id.get()).filter(invitations::revoked_at.is_null());
            let revoked = diesel::update(open)
                .set(invitations::revoked_at.eq(Micros::from(context.at)))
                .execute(sqlite)
                .or_port_error()?;
            if revoked > 0 {
                record(sqlite, &context.event(AuditAction::InvitationRevoked))?;
                return Ok(true);
            }
            Ok(find(sqlite, id.get())?.is_some())
        })
        .await
    }

    async fn accept(&self, acceptance: Acceptance) -> Result<User, Error<AcceptError>> {
        self.write(move |sqlite| {
            let new = &acceptance.user;
            let found = find_by_token(sqlite, &acceptance.digest)?;
            let found = found.filter(|it| {
                it.is_open(new.created_at(), &acceptance.roles) && it.role == new.role
            });
            let found = found.ok_or(Error::Refused(AcceptError::TokenInvalid(TokenInvalid)))?;
            let created = insert(sqlite, new).map_err(Error::cast::<AcceptError>)?;
            count(sqlite, &found)?;
            if let Some(mail) = &new.mail {
                enqueue(sqlite, mail, Some(created.id))?;
            }
            record(sqlite, &new.event().on(created.id))?;
            Ok(created)
        })
        .await
    }

    async fn take_role(&self, acceptance: RoleAcceptance) -> Result<User, Error<TakeRoleError>> {
        self.write(move |sqlite| {
            let RoleAcceptance {
                user_id,
                from,
                to,
                proves_email,
                keep_session,
                roles,
                context,
                ..
            } = &acceptance;
            let found = find_by_token(sqlite, &acceptance.digest)?;
            let found = found.filter(|it| it.is_open(context.at, roles) && it.role == *to);
            let found = found.ok_or(Error::Refused(TakeRoleError::TokenInvalid(TokenInvalid)))?;
            let (id, at) = (user_id.get(), Micros::from(context.at));
            let account = users::table
                .find(id)
                .filter(users::is_active)
                .filter(users::role.eq(from.as_str()));
            let changed = diesel::update(account)
                .set((users::role.eq(to.as_str()), users::updated_at.eq(at)))
                .execute(sqlite)
                .or_port_error()?;
            if changed == 0 {
                return Err(Error::Refused(TakeRoleError::Stale));
            }
            let stale = || Error::Refused(TakeRoleError::Stale);
            let before = find_recipient(sqlite, *user_id)?.ok_or_else(stale)?;
            if !found.is_for(&before.user.email) {
                return Err(stale());
            }
            if *proves_email {
                let mailbox = before.with_proof(false, context.at);
                diesel::update(users::table.find(id))
                    .set(MailboxRow::new(&mailbox, context.at))
                    .execute(sqlite)
                    .or_port_error()?;
            }
            count(sqlite, &found)?;
            end_open(sqlite, *user_id, Some(*keep_session), at)?;
            record(sqlite, &context.clone().event(AuditAction::InvitationAccepted).on(*user_id))?;
            Ok(user(sqlite, *user_id)?)
        })
        .await
    }

    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM invitations WHERE id IN (
            SELECT id FROM invitations WHERE expires_at < ?1 LIMIT ?2)";
        self.delete_in_parts(statement, before).await
    }
}

/// Counts a use.
fn count(sqlite: &mut SqliteConnection, invitation: &Invitation) -> Result<(), PortError> {
    diesel::update(invitations::table.find(invitation.id.get()))
        .set(invitations::uses.eq(invitations::uses + 1))
        .execute(sqlite)
        .or_port_error()
        .map(drop)
}

fn find(sqlite: &mut SqliteConnection, id: i64) -> Result<Option<Invitation>, PortError> {
    let row = invitations::table
        .left_join(users::table)
        .filter(invitations::id.eq(id))
        .select((InvitationRow::as_select(), Option::<InviterRow>::as_select()));
    row.get_result(sqlite).optional().or_port_error()?.map(invitation).transpose()
}

fn find_by_token(
    sqlite: &mut SqliteConnection,
    digest: &TokenDigest,
) -> Result<Option<Invitation>, PortError> {
    let row = invitations::table
        .left_join(users::table)
        .filter(invitations::digest.eq(digest.as_str()))
        .select((InvitationRow::as_select(), Option::<InviterRow>::as_select()));
    row.get_result(sqlite).optional().or_port_error()?.map(invitation).transpose()
}
