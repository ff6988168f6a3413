//! Invitations: for one, for many, and what ends them.

use std::sync::Arc;
use std::time::Duration;

use macro_rules_attribute::apply;
use menjin_domain::access::Roles;
use menjin_domain::accounts::{
    AddressChange, CreateUserError, NewUser, ProfileChanges, Role, User,
};
use menjin_domain::audit::{AuditAction, AuditFilter, AuditOrder, AuditQuery};
use menjin_domain::common::{Error, UserId};
use menjin_domain::invitations::{
    AcceptError, Acceptance, Invitation, InvitationId, InvitationOver, InvitationQuery,
    InvitationState, InvitationTerms, NewInvitation, RoleAcceptance, TakeRoleError,
};
use menjin_domain::mail::MailKind;
use menjin_domain::one_time::TokenInvalid;

use super::mails::{Repositories, mail};
use super::one_time::digest;
use super::{Administer, Made, at, at_once, context, email, new_user, session_id};

fn terms(address: Option<&str>, role: Role, max_uses: u32) -> InvitationTerms {
    let lifetime = Duration::from_secs(100);
    InvitationTerms { email: address.map(email), role, max_uses, lifetime }
}

impl Repositories {
    /// An invitation by an administrator, whose token has this number, made at `at(0)`.
    async fn invite(&self, n: u8, terms: InvitationTerms, by: Option<UserId>) -> Invitation {
        let mail = terms.email.is_some().then(|| mail(MailKind::Invitation, 0));
        let new =
            NewInvitation { digest: digest(n), terms, created_by: by, mail, context: context(0) };
        self.invitations.create(new).await.unwrap()
    }

    async fn invitation(&self, n: u8) -> Invitation {
        self.invitations.find_by_token(&digest(n)).await.unwrap().unwrap()
    }

    async fn accept(
        &self,
        n: u8,
        name: &str,
        role: Role,
        seconds: i64,
    ) -> Result<User, Error<AcceptError>> {
        let action = AuditAction::InvitationAccepted;
        let user = NewUser { action, is_verified: true, ..new_user(name, role).made_at(seconds) };
        let roles = Arc::default();
        self.invitations.accept(Acceptance { digest: digest(n), user, roles }).await
    }

    async fn take(
        &self,
        n: u8,
        user_id: UserId,
        (from, to): (Role, Role),
        seconds: i64,
    ) -> Result<User, Error<TakeRoleError>> {
        let acceptance = RoleAcceptance {
            digest: digest(n),
            user_id,
            from,
            to,
            proves_email: true,
            keep_session: session_id(1),
            roles: Arc::default(),
            context: context(seconds),
        };
        self.invitations.take_role(acceptance).await
    }

    /// The actions of the records of an account, newest first.
    async fn actions_on(&self, user: UserId) -> Vec<AuditAction> {
        let filter = AuditFilter { user: Some(user), ..AuditFilter::default() };
        let order = AuditOrder::NewestFirst;
        let query = AuditQuery { filter, order, beyond: None, limit: 10 };
        let records = self.store.records.list(query).await.unwrap();
        records.iter().map(|record| record.event.action).collect()
    }
}

fn is_invalid(result: &Result<User, Error<AcceptError>>) -> bool {
    matches!(result, Err(Error::Refused(AcceptError::TokenInvalid(TokenInvalid))))
}

/// The account is there with the first acceptance, and not before; its mail went to the address.
#[apply(row!)]
async fn n2_an_account_is_made_when_an_invitation_is_accepted(mailing: Repositories) {
    let root = mailing.store.add("root", Role::ADMIN).await.id;
    let made = mailing.invite(1, terms(Some("Ann@example.com"), Role::ADMIN, 1), Some(root)).await;
    assert_eq!(made.email, Some(email("Ann@example.com")));
    assert_eq!((made.role, made.uses, made.max_uses), (Role::ADMIN, 0, 1));
    assert_eq!((made.created_by, made.created_at, made.expires_at), (Some(root), at(0), at(100)));
    assert_eq!(mailing.invitations.find(made.id).await.unwrap(), Some(made.clone()));
    let claimed = mailing.claim(0, 10).await;
    assert_eq!((claimed.len(), claimed[0].mail.kind), (1, MailKind::Invitation));
    assert_eq!(claimed[0].user_id, None);
    let another_role = mailing.accept(1, "ann", Role::STUDENT, 5).await;
    assert!(is_invalid(&another_role));
    let ann = mailing.accept(1, "ann", Role::ADMIN, 5).await.unwrap();
    assert!(ann.is_verified && ann.role == Role::ADMIN);
    assert_eq!(mailing.store.user(ann.id).await, ann);
    assert_eq!(mailing.actions_on(ann.id).await, [AuditAction::InvitationAccepted]);
    assert!(is_invalid(&mailing.accept(1, "bob", Role::ADMIN, 6).await));
    assert_eq!(mailing.invitation(1).await.state(at(6), &Roles::default()), InvitationState::Used);
}

/// Of many who accept at once no more come in than there are places, and whoever fails spends none.
#[apply(row!)]
async fn n3_no_more_are_let_in_than_there_are_places(mailing: Repositories) {
    mailing.invite(1, terms(None, Role::STUDENT, 3), None).await;
    mailing.store.student("user0").await;
    let done = at_once(20, |number| {
        let mailing = mailing.clone();
        async move { mailing.accept(1, &format!("user{number}"), Role::STUDENT, 5).await }
    })
    .await;
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 3);
    let others = done.iter().filter(|done| done.is_err());
    for result in others {
        let taken = AcceptError::Taken(CreateUserError::UsernameTaken);
        let is_taken = matches!(result, Err(Error::Refused(error)) if *error == taken);
        assert!(is_taken || is_invalid(result), "{result:?}");
    }
    assert_eq!(mailing.invitation(1).await.uses, 3);
}

/// Its first moment of expiry is the first at which it does not work; a new link gives it another life.
#[apply(row!)]
async fn n1_a_new_link_works_after_expiry_and_the_old_one_does_not(mailing: Repositories) {
    let made = mailing.invite(1, terms(Some("ann@example.com"), Role::STUDENT, 1), None).await;
    assert!(is_invalid(&mailing.accept(1, "ann", Role::STUDENT, 100).await));
    let again = Some(mail(MailKind::Invitation, 200));
    let renewed = mailing
        .invitations
        .renew(made.id, digest(2), again, &Roles::default(), context(200))
        .await
        .unwrap();
    assert_eq!((renewed.id, renewed.expires_at), (made.id, at(300)));
    assert_eq!(mailing.claim(200, 10).await.len(), 2);
    assert_eq!(mailing.invitations.find_by_token(&digest(1)).await.unwrap(), None);
    assert!(is_invalid(&mailing.accept(1, "ann", Role::STUDENT, 250).await));
    mailing.accept(2, "ann", Role::STUDENT, 299).await.unwrap();
    let over =
        mailing.invitations.renew(made.id, digest(3), None, &Roles::default(), context(299)).await;
    assert!(matches!(over, Err(Error::Refused(InvitationOver))));
    let nobody = InvitationId::try_from(99).unwrap();
    let over =
        mailing.invitations.renew(nobody, digest(3), None, &Roles::default(), context(299)).await;
    assert!(matches!(over, Err(Error::Refused(InvitationOver))));
}

/// Twice is no error, and one record.
#[apply(row!)]
async fn n1_a_revoked_invitation_is_over(mailing: Repositories) {
    let made = mailing.invite(1, terms(None, Role::STUDENT, 3), None).await;
    mailing.accept(1, "ann", Role::STUDENT, 5).await.unwrap();
    for seconds in [6, 7] {
        assert!(mailing.invitations.revoke(made.id, context(seconds)).await.unwrap());
    }
    assert_eq!(mailing.invitation(1).await.revoked_at, Some(at(6)));
    assert!(is_invalid(&mailing.accept(1, "bob", Role::STUDENT, 8).await));
    let over =
        mailing.invitations.renew(made.id, digest(2), None, &Roles::default(), context(9)).await;
    assert!(matches!(over, Err(Error::Refused(InvitationOver))));
    let nobody = InvitationId::try_from(99).unwrap();
    assert!(!mailing.invitations.revoke(nobody, context(9)).await.unwrap());
}

/// It is void while whoever made it is inactive; the command line's is not.
#[apply(row!)]
async fn n4_an_invitation_is_void_with_whoever_made_it(mailing: Repositories) {
    let root = mailing.store.add("root", Role::ADMIN).await.id;
    mailing.store.add("other", Role::ADMIN).await;
    let student = mailing.store.student("bob").await;
    mailing.invite(1, terms(None, Role::STUDENT, 9), Some(root)).await;
    mailing.invite(2, terms(None, Role::STUDENT, 9), Some(student)).await;
    mailing.invite(3, terms(None, Role::STUDENT, 9), None).await;
    mailing.accept(1, "ann", Role::STUDENT, 5).await.unwrap();
    mailing.store.accounts.deactivate(root, context(6)).await.unwrap();
    assert_eq!(mailing.invitation(1).await.state(at(7), &Roles::default()), InvitationState::Void);
    assert!(is_invalid(&mailing.accept(1, "carl", Role::STUDENT, 7).await));
    assert!(is_invalid(&mailing.accept(2, "carl", Role::STUDENT, 7).await), "no right to invite");
    mailing.accept(3, "carl", Role::STUDENT, 7).await.unwrap();
}

/// The role is another, the address proved, all sessions but one over; another role by then is stale.
#[apply(row!)]
async fn n2_an_account_takes_the_role_of_an_invitation(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    let (kept, other) = (mailing.store.log_in(1, ann).await, mailing.store.log_in(2, ann).await);
    let to = (Role::STUDENT, Role::TEACHER);
    mailing.invite(1, terms(Some("ann@example.com"), Role::TEACHER, 1), None).await;
    let stale = mailing.take(1, ann, (Role::ADMIN, Role::TEACHER), 5).await;
    assert!(matches!(stale, Err(Error::Refused(TakeRoleError::Stale))));
    // An address that was changed meanwhile is not the one that the link proves.
    mailing.invite(2, terms(Some("ann2@example.com"), Role::TEACHER, 1), None).await;
    let stale = mailing.take(2, ann, to, 5).await;
    assert!(matches!(stale, Err(Error::Refused(TakeRoleError::Stale))));
    assert_eq!((mailing.invitation(1).await.uses, mailing.invitation(2).await.uses), (0, 0));
    let user = mailing.take(1, ann, to, 5).await.unwrap();
    assert_eq!((user.role, user.is_verified, user.updated_at), (Role::TEACHER, true, Some(at(5))));
    assert!(mailing.store.is_live(kept, 6).await && !mailing.store.is_live(other, 6).await);
    let live = mailing.store.sessions.find_live(kept, at(6)).await.unwrap().unwrap();
    assert_eq!(live.user.role, Role::TEACHER, "no copy of the session has the role before");
    assert_eq!(mailing.actions_on(ann).await[0], AuditAction::InvitationAccepted);
    let again = mailing.take(1, ann, (Role::TEACHER, Role::TEACHER), 7).await;
    assert!(matches!(again, Err(Error::Refused(TakeRoleError::TokenInvalid(_)))));
}

/// The link of an invitation proves the address as one that asks for a proof does: what the password was
/// given for counts, and else the address before stays the one for new passwords.
#[apply(row!)]
async fn w4_an_invitation_proves_an_address_without_the_password(mailing: Repositories) {
    for (n, name, by_password) in [(1, "ann", true), (2, "bob", false)] {
        let user = mailing.store.student(name).await;
        let (new, old) = (format!("{name}2@example.com"), format!("{name}@example.com"));
        let address = AddressChange { is_allowed: true, by_password, mails: None };
        let changes =
            ProfileChanges { email: Some(email(&new)), address, ..ProfileChanges::default() };
        mailing.store.accounts.update_profile(user, changes, context(1)).await.unwrap();
        mailing.invite(n, terms(Some(&new), Role::TEACHER, 1), None).await;
        let taken = mailing.take(n, user, (Role::STUDENT, Role::TEACHER), 5).await.unwrap();
        assert!(taken.is_verified);
        let (week, expected) = (7 * 86_400, if by_password { &new } else { &old });
        assert_eq!(mailing.recovery_address(user, 6).await, *expected);
        assert_eq!(mailing.recovery_address(user, 6 + week).await, new);
    }
}

/// Newest first, page by page; old ones go.
#[apply(row!)]
async fn n1_invitations_are_listed_and_deleted_when_they_are_old(mailing: Repositories) {
    for n in 1..=5 {
        mailing.invite(n, terms(None, Role::STUDENT, n.into()), None).await;
    }
    let page = async |after, limit| {
        let query = InvitationQuery { after, limit };
        let page = mailing.invitations.list(query).await.unwrap();
        let uses: Vec<u32> = page.invitations.iter().map(|it| it.max_uses).collect();
        (uses, page.total, page.invitations.last().map(|it| it.id))
    };
    let (first, total, last) = page(None, 2).await;
    assert_eq!((first, total), (vec![5, 4], 5));
    assert_eq!(page(last, 10).await.0, [3, 2, 1]);
    assert_eq!(mailing.invitations.delete_before(at(100)).await.unwrap(), 0);
    let mut deleted = 0;
    while deleted < 5 {
        let some = mailing.invitations.delete_before(at(101)).await.unwrap();
        assert!(some > 0);
        deleted += some;
    }
    assert_eq!(page(None, 10).await.1, 0);
}
