//! The invitations.

use async_trait::async_trait;
use menjin_domain::access::Roles;
use menjin_domain::accounts::{Role, User};
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{Error, PortError, Timestamp};
use menjin_domain::invitations::{
    AcceptError, Acceptance, Invitation, InvitationId, InvitationOver, InvitationPage,
    InvitationQuery, InvitationRepository, Inviter, NewInvitation, RoleAcceptance, TakeRoleError,
};
use menjin_domain::mail::NewMail;
use menjin_domain::one_time::{TokenDigest, TokenInvalid};

use super::rows::StoredInvitation;
use super::store::{State, Store, next_id};

impl State {
    /// The invitation, with whoever made it as they are now.
    fn as_now(&self, stored: &StoredInvitation) -> Invitation {
        let invitation = stored.invitation.clone();
        let inviter = invitation.created_by.map(|id| match self.accounts.get(&id) {
            Some(account) => Inviter {
                is_active: account.user.is_active,
                banned_until: account.user.ban.as_ref().map(|ban| ban.until),
                role: account.user.role,
            },
            None => Inviter { is_active: false, banned_until: None, role: invitation.role },
        });
        Invitation { inviter, ..invitation }
    }

    fn invitation_by_token(&self, digest: &TokenDigest) -> Option<Invitation> {
        let stored = self.invitations.values().find(|stored| stored.digest == *digest)?;
        Some(self.as_now(stored))
    }

    /// The open invitation of this token, if it is to this role.
    fn open_invitation(
        &self,
        digest: &TokenDigest,
        to: Role,
        roles: &Roles,
        at: Timestamp,
    ) -> Result<Invitation, Error<TokenInvalid>> {
        let open =
            self.invitation_by_token(digest).filter(|it| it.is_open(at, roles) && it.role == to);
        open.ok_or(Error::Refused(TokenInvalid))
    }

    fn count_use(&mut self, id: InvitationId) {
        if let Some(stored) = self.invitations.get_mut(&id) {
            stored.invitation.uses += 1;
        }
    }
}

#[async_trait]
impl InvitationRepository for Store {
    async fn create(&self, new: NewInvitation) -> Result<Invitation, PortError> {
        let mut state = self.lock();
        let NewInvitation { digest, terms, created_by, mail, context } = new;
        let id = next_id(&mut state.last_invitation)?;
        let invitation = Invitation {
            id,
            email: terms.email,
            role: terms.role,
            uses: 0,
            max_uses: terms.max_uses,
            lifetime: terms.lifetime,
            created_by,
            inviter: None,
            created_at: context.at,
            expires_at: context.at + terms.lifetime,
            revoked_at: None,
        };
        let stored = StoredInvitation { digest, invitation };
        let made = state.as_now(&stored);
        state.invitations.insert(id, stored);
        if let Some(mail) = mail {
            state.append(mail, None)?;
        }
        state.record(context.event(AuditAction::InvitationCreated));
        Ok(made)
    }

    async fn find(&self, id: InvitationId) -> Result<Option<Invitation>, PortError> {
        let state = self.lock();
        Ok(state.invitations.get(&id).map(|stored| state.as_now(stored)))
    }

    async fn find_by_token(&self, digest: &TokenDigest) -> Result<Option<Invitation>, PortError> {
        Ok(self.lock().invitation_by_token(digest))
    }

    async fn list(&self, query: InvitationQuery) -> Result<InvitationPage, PortError> {
        let state = self.lock();
        let newest_first = state.invitations.values().rev();
        let page = newest_first
            .filter(|stored| query.after.is_none_or(|after| stored.invitation.id < after));
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        Ok(InvitationPage {
            invitations: page.take(limit).map(|stored| state.as_now(stored)).collect(),
            total: state.invitations.len() as u64,
        })
    }

    async fn renew(
        &self,
        id: InvitationId,
        digest: TokenDigest,
        mail: Option<NewMail>,
        roles: &Roles,
        context: AuditContext,
    ) -> Result<Invitation, Error<InvitationOver>> {
        let mut state = self.lock();
        let found = state.invitations.get(&id).map(|stored| state.as_now(stored));
        let found = found.filter(|invitation| invitation.is_renewable(context.at, roles));
        let found = found.ok_or(Error::Refused(InvitationOver))?;
        let renewed = Invitation { expires_at: context.at + found.lifetime, ..found };
        let stored = StoredInvitation { digest, invitation: renewed.clone() };
        state.invitations.insert(id, stored);
        if let Some(mail) = mail {
            state.append(mail, None)?;
        }
        state.record(context.event(AuditAction::InvitationResent));
        Ok(renewed)
    }

    async fn revoke(&self, id: InvitationId, context: AuditContext) -> Result<bool, PortError> {
        let mut state = self.lock();
        let Some(stored) = state.invitations.get_mut(&id) else { return Ok(false) };
        if stored.invitation.revoked_at.is_none() {
            stored.invitation.revoked_at = Some(context.at);
            state.record(context.event(AuditAction::InvitationRevoked));
        }
        Ok(true)
    }

    async fn accept(&self, acceptance: Acceptance) -> Result<User, Error<AcceptError>> {
        let (mut state, event) = (self.lock(), acceptance.user.event());
        let Acceptance { digest, user, roles } = acceptance;
        let open = state.open_invitation(&digest, user.role, &roles, user.created_at());
        let invitation = open.map_err(Error::cast::<AcceptError>)?.id;
        let user = state.insert(user).map_err(Error::cast::<AcceptError>)?;
        state.count_use(invitation);
        state.record(event.on(user.id));
        Ok(user)
    }

    async fn take_role(&self, acceptance: RoleAcceptance) -> Result<User, Error<TakeRoleError>> {
        let mut state = self.lock();
        let RoleAcceptance {
            digest,
            user_id,
            from,
            to,
            proves_email,
            keep_session,
            roles,
            context,
        } = acceptance;
        let open = state.open_invitation(&digest, to, &roles, context.at);
        let invitation = open.map_err(Error::cast::<TakeRoleError>)?;
        let account = state.accounts.get_mut(&user_id);
        let account = account.filter(|it| it.user.is_active && it.user.role == from);
        let account = account.filter(|it| invitation.is_for(&it.user.email));
        let Some(account) = account else { return Err(Error::Refused(TakeRoleError::Stale)) };
        account.user.role = to;
        account.user.updated_at = Some(context.at);
        if proves_email {
            account.set_mailbox(account.recipient().with_proof(false, context.at), context.at);
        }
        let user = account.user.clone();
        state.count_use(invitation.id);
        state.end_sessions(user_id, Some(keep_session), context.at);
        state.record(context.event(AuditAction::InvitationAccepted).on(user_id));
        Ok(user)
    }

    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError> {
        let invitations = &mut self.lock().invitations;
        let all = invitations.len();
        invitations.retain(|_, stored| stored.invitation.expires_at >= before);
        Ok((all - invitations.len()) as u64)
    }
}
