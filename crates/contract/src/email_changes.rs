//! Changes of addresses: pending ones, confirmed ones, and what undoes them.

use std::sync::Arc;

use macro_rules_attribute::apply;
use menjin_domain::accounts::{
    AccountChange, AddressChange, Ban, CreateUserError, ProfileChanges, Role, User,
};
use menjin_domain::common::{Error, UserId};
use menjin_domain::credentials::{CredentialVersion, FirstPassword};
use menjin_domain::lockout::{AttemptLimits, LockoutSubject};
use menjin_domain::mail::{MailKind, Settlement};
use menjin_domain::one_time::{
    ConfirmEmailChangeError, Disowning, EmailChange, EmailChangeMails, EmailChangeRequest,
    EmailChangeUndo, NewOneTimeToken, Purpose, RESET_DELAY, TokenInvalid,
};

use super::mails::{Repositories, mail};
use super::one_time::{digest, reset, token};
use super::{
    Administer, Made, at, at_once, context, email, hash, network, new_user, request, session_id,
};

/// The mails of a change, whose undo token has this number.
pub(super) fn mails(undo: u8, seconds: i64) -> EmailChangeMails {
    EmailChangeMails {
        notice: mail(MailKind::EmailChanged, seconds),
        undo: digest(undo),
        verification: None,
    }
}

impl Repositories {
    /// An account whose address, `ann@example.com`, is verified.
    pub(super) async fn verified(&self) -> UserId {
        let ann = self.store.student("ann").await;
        self.issue(1, Purpose::VerifyEmail, ann).await;
        assert!(self.verify(1, ann, true, 1).await);
        ann
    }

    async fn ask(&self, user_id: UserId, to: &str, seconds: i64) -> bool {
        let change = EmailChangeRequest {
            user_id,
            version: self.store.credential_version(user_id).await,
            email: email(to),
            mail: mail(MailKind::ChangeEmail, seconds),
            context: context(seconds),
        };
        self.tokens.request_email_change(change).await.unwrap()
    }

    /// Makes the token of a mail to the pending address.
    async fn link(&self, n: u8, user: UserId, to: &str) -> bool {
        let token = NewOneTimeToken {
            email: email(to).canonical().to_owned(),
            version: Some(self.store.credential_version(user).await),
            expires_at: None,
            ..token(n, Purpose::ChangeEmail, user)
        };
        self.tokens.issue(token).await.unwrap()
    }

    /// Uses it; the token that undoes this change has the number `undo`.
    async fn confirm(
        &self,
        n: u8,
        user_id: UserId,
        undo: u8,
        seconds: i64,
    ) -> Result<User, Error<ConfirmEmailChangeError>> {
        let change = EmailChange {
            digest: digest(n),
            user_id,
            mails: Some(mails(undo, seconds)),
            at: at(seconds),
            request: request(),
        };
        self.tokens.confirm_email_change(change).await
    }

    /// Asks for an address and confirms it.
    async fn move_to(&self, n: u8, user: UserId, to: &str, undo: u8, seconds: i64) {
        assert!(self.ask(user, to, seconds).await && self.link(n, user, to).await);
        let moved = self.confirm(n, user, undo, seconds).await.unwrap();
        assert_eq!((moved.email.as_str(), moved.is_verified), (to, true));
    }

    pub(super) async fn undo(
        &self,
        n: u8,
        user_id: UserId,
        seconds: i64,
    ) -> Result<User, Error<TokenInvalid>> {
        let restored = || mail(MailKind::EmailRestored, seconds);
        let undo = EmailChangeUndo {
            digest: digest(n),
            user_id,
            mails: vec![restored(), restored()],
            at: at(seconds),
            request: request(),
        };
        self.tokens.undo_email_change(undo).await
    }

    /// Whether a registration gets this address.
    async fn registers(&self, name: &str, address: &str, seconds: i64) -> bool {
        let user = menjin_domain::accounts::NewUser {
            email: email(address),
            mail: Some(mail(MailKind::VerifyEmail, seconds)),
            ..new_user(name, Role::STUDENT).made_at(seconds)
        };
        match self.store.accounts.create(user).await {
            Ok(_user) => true,
            Err(Error::Refused(CreateUserError::EmailTaken)) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// Changes the address with the profile.
    pub(super) async fn set_address(&self, user: UserId, to: &str, undo: u8, seconds: i64) -> bool {
        let mails = Some(mails(undo, seconds));
        let address = AddressChange { is_allowed: true, by_password: false, mails };
        let changes =
            ProfileChanges { email: Some(email(to)), address, ..ProfileChanges::default() };
        self.store.accounts.update_profile(user, changes, context(seconds)).await.is_ok()
    }
}

/// Nothing changes before the link is used: the pending address is shown, and can be withdrawn.
#[apply(row!)]
async fn q3_a_pending_address_is_shown_and_can_be_withdrawn(mailing: Repositories) {
    let ann = mailing.verified().await;
    assert!(mailing.ask(ann, "New@example.com", 5).await);
    let user = mailing.store.user(ann).await;
    assert_eq!((user.email.as_str(), user.is_verified), ("ann@example.com", true));
    assert_eq!(user.pending_email, Some(email("New@example.com")));
    let claimed = mailing.claim(5, 10).await;
    assert_eq!((claimed.len(), claimed[0].mail.kind), (1, MailKind::ChangeEmail));
    assert!(mailing.link(2, ann, "New@example.com").await);
    mailing.tokens.withdraw_email_change(ann, context(6)).await.unwrap();
    mailing.tokens.withdraw_email_change(ann, context(7)).await.unwrap();
    assert_eq!(mailing.store.user(ann).await.pending_email, None);
    assert!(!mailing.is_live(2, Purpose::ChangeEmail, 7).await);
    // Asking for it again does not revive the link that was withdrawn.
    assert!(mailing.ask(ann, "New@example.com", 8).await);
    assert!(!mailing.is_live(2, Purpose::ChangeEmail, 8).await);
    // Another address takes its place, and the link to it works alone.
    assert!(mailing.link(3, ann, "New@example.com").await);
    assert!(mailing.ask(ann, "third@example.com", 9).await);
    assert!(!mailing.is_live(3, Purpose::ChangeEmail, 9).await);
    assert_eq!(mailing.tokens.forget_pending_before(at(9)).await.unwrap(), 0);
    assert_eq!(mailing.tokens.forget_pending_before(at(10)).await.unwrap(), 1);
    assert_eq!(mailing.store.user(ann).await.pending_email, None);
}

/// What is pending is bound to the credentials that it was asked for with.
#[apply(row!)]
async fn k2_a_pending_address_is_void_once_the_password_changes(mailing: Repositories) {
    let ann = mailing.verified().await;
    assert!(mailing.ask(ann, "new@example.com", 5).await);
    assert!(mailing.link(2, ann, "new@example.com").await);
    assert!(mailing.store.change_password(ann, session_id(1)).await);
    assert_eq!(mailing.store.user(ann).await.pending_email, None);
    let refused = mailing.confirm(2, ann, 9, 6).await;
    let invalid = ConfirmEmailChangeError::TokenInvalid(TokenInvalid);
    assert!(matches!(refused, Err(Error::Refused(error)) if error == invalid));
    let stale = EmailChangeRequest {
        user_id: ann,
        version: CredentialVersion(0),
        email: email("new@example.com"),
        mail: mail(MailKind::ChangeEmail, 7),
        context: context(7),
    };
    assert!(!mailing.tokens.request_email_change(stale).await.unwrap());
    assert!(mailing.claim(7, 10).await.iter().all(|mail| mail.mail.created_at != at(7)));
}

/// The link gives the account the address at once, once, and new passwords go there.
#[apply(row!)]
async fn q3_of_parallel_uses_of_a_link_one_changes_the_address(mailing: Repositories) {
    let ann = mailing.verified().await;
    assert!(mailing.ask(ann, "new@example.com", 5).await);
    assert!(mailing.link(2, ann, "new@example.com").await);
    drop(mailing.claim(5, 10).await);
    let done = at_once(50, |_| {
        let mailing = mailing.clone();
        async move { mailing.confirm(2, ann, 9, 6).await.is_ok() }
    })
    .await;
    assert_eq!(done.iter().filter(|done| **done).count(), 1);
    let user = mailing.store.user(ann).await;
    assert_eq!((user.email.as_str(), user.is_verified), ("new@example.com", true));
    assert_eq!((user.pending_email, user.updated_at), (None, Some(at(6))));
    assert_eq!(mailing.recovery_address(ann, 7).await, "new@example.com");
    let told = mailing.claim(6, 10).await;
    assert_eq!((told.len(), told[0].mail.kind), (1, MailKind::EmailChanged));
    assert_eq!(told[0].mail.to.as_deref(), Some("ann@example.com"));
    assert!(mailing.is_live(9, Purpose::UndoEmailChange, 7).await);
}

/// Whether somebody has the address is found out when the mail is made, and again when its link is used.
#[apply(row!)]
async fn q5_an_address_of_another_is_taken_at_the_link_and_at_its_use(mailing: Repositories) {
    let ann = mailing.verified().await;
    let bob = mailing.store.student("bob").await;
    assert!(mailing.ask(ann, "bob@example.com", 5).await, "silently");
    assert!(!mailing.link(2, ann, "bob@example.com").await);
    assert!(mailing.ask(ann, "new@example.com", 6).await);
    assert!(mailing.link(3, ann, "new@example.com").await);
    assert!(mailing.set_address(bob, "NEW@example.com", 8, 7).await);
    let refused = mailing.confirm(3, ann, 9, 8).await;
    let taken = ConfirmEmailChangeError::EmailTaken;
    assert!(matches!(refused, Err(Error::Refused(error)) if error == taken));
    let user = mailing.store.user(ann).await;
    assert_eq!((user.email.as_str(), user.is_verified), ("ann@example.com", true));
    assert!(!mailing.is_live(9, Purpose::UndoEmailChange, 8).await);
}

/// A verified address stays its owner's for as long as the change can be undone.
#[apply(row!)]
async fn q5_a_verified_address_stays_reserved_while_its_link_works(mailing: Repositories) {
    let ann = mailing.verified().await;
    mailing.move_to(2, ann, "new@example.com", 9, 5).await;
    let bob = mailing.store.student("bob").await;
    assert!(!mailing.registers("carl", "ANN@example.com", 6).await);
    assert!(!mailing.set_address(bob, "ann@example.com", 8, 6).await);
    assert!(mailing.ask(bob, "ann@example.com", 6).await);
    assert!(!mailing.link(3, bob, "ann@example.com").await);
    // Ann may have it.
    mailing.move_to(4, ann, "ann@example.com", 10, 7).await;
    mailing.move_to(5, ann, "new@example.com", 11, 8).await;
    // The links expire some time after their mails were handed over.
    for mail in mailing.claim(8, 10).await {
        let sent = Settlement::Sent { at: at(9), token_expires_at: Some(at(20)) };
        assert!(mailing.outbox.settle(&mail, mail.user_id, None, sent).await.unwrap());
    }
    assert!(!mailing.registers("carl", "ann@example.com", 19).await);
    assert!(mailing.registers("carl", "ann@example.com", 20).await);
    let undone = mailing.undo(11, ann, 21).await;
    assert!(matches!(undone, Err(Error::Refused(TokenInvalid))));
    // An address that was never verified is nobody's.
    assert!(mailing.set_address(bob, "bob2@example.com", 12, 22).await);
    assert!(mailing.registers("dora", "bob@example.com", 23).await);
}

/// A registration that waits for the address while it is given up does not get it either.
#[apply(row!)]
async fn q5_nobody_slips_in_while_an_address_changes(mailing: Repositories) {
    let ann = mailing.verified().await;
    let done = at_once(21, |number| {
        let mailing = mailing.clone();
        async move {
            if number == 0 {
                mailing.set_address(ann, "new@example.com", 9, 5).await
            } else {
                mailing.registers(&format!("user{number}"), "ann@example.com", 5).await
            }
        }
    })
    .await;
    assert!(done[0]);
    assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
}

/// The address is back; sessions, links and the pending address are not.
#[apply(row!)]
async fn q4_an_undo_gives_the_address_back_and_ends_everything_else(mailing: Repositories) {
    let ann = mailing.verified().await;
    mailing.move_to(2, ann, "new@example.com", 9, 5).await;
    let session = mailing.store.log_in(1, ann).await;
    assert!(mailing.ask(ann, "third@example.com", 6).await);
    assert!(mailing.link(3, ann, "third@example.com").await);
    let to_new = NewOneTimeToken {
        email: "new@example.com".into(),
        ..token(4, Purpose::ResetPassword, ann)
    };
    assert!(mailing.tokens.issue(to_new).await.unwrap());
    drop(mailing.claim(6, 10).await);
    let done = at_once(20, |_| {
        let mailing = mailing.clone();
        async move { mailing.undo(9, ann, 7).await.is_ok() }
    })
    .await;
    assert_eq!(done.iter().filter(|done| **done).count(), 1);
    let user = mailing.store.user(ann).await;
    assert_eq!((user.email.as_str(), user.is_verified), ("ann@example.com", true));
    assert_eq!((user.pending_email, user.updated_at), (None, Some(at(7))));
    assert!(!mailing.store.is_live(session, 8).await);
    assert_eq!(mailing.store.credential_version(ann).await, CredentialVersion(1));
    for (n, purpose) in [(3, Purpose::ChangeEmail), (4, Purpose::ResetPassword)] {
        assert!(!mailing.is_live(n, purpose, 8).await, "{n}");
    }
    let told = mailing.claim(7, 10).await;
    let to: Vec<_> = told.iter().map(|mail| (mail.mail.kind, mail.mail.to.as_deref())).collect();
    let kind = MailKind::EmailRestored;
    assert_eq!(to, [(kind, Some("ann@example.com")), (kind, Some("new@example.com"))]);
    let recipient = mailing.tokens.find_recipient_by_id(ann).await.unwrap().unwrap();
    assert_eq!(recipient.reset_after, Some(at(7) + RESET_DELAY));
    assert_eq!(recipient.recovery_address(at(8)), "ann@example.com");
}

/// Each change has its own link: the oldest voids all younger ones, and a younger one leaves it alone.
#[apply(row!)]
async fn k8_an_undo_voids_younger_changes_and_survives_what_came_after_it(mailing: Repositories) {
    let ann = mailing.verified().await;
    mailing.move_to(2, ann, "b@example.com", 12, 5).await;
    assert!(mailing.store.change_password(ann, session_id(1)).await);
    mailing.move_to(3, ann, "c@example.com", 13, 10).await;
    let to_c = NewOneTimeToken {
        version: Some(mailing.store.credential_version(ann).await),
        email: "c@example.com".into(),
        ..token(4, Purpose::ResetPassword, ann)
    };
    assert!(mailing.tokens.issue(to_c).await.unwrap());
    let version = mailing.store.credential_version(ann).await;
    let by_link = menjin_domain::one_time::PasswordReset { version, ..reset(4, ann, 11) };
    mailing.tokens.reset_password(by_link).await.unwrap();
    mailing.move_to(5, ann, "d@example.com", 14, 20).await;
    for n in [12, 13, 14] {
        assert!(mailing.is_live(n, Purpose::UndoEmailChange, 21).await, "{n}");
    }
    let back = mailing.undo(13, ann, 22).await.unwrap();
    assert_eq!(back.email.as_str(), "b@example.com");
    assert!(!mailing.is_live(14, Purpose::UndoEmailChange, 23).await, "it is younger");
    assert!(mailing.is_live(12, Purpose::UndoEmailChange, 23).await, "it is older");
    let back = mailing.undo(12, ann, 24).await.unwrap();
    assert_eq!(back.email.as_str(), "ann@example.com");
    assert!(matches!(mailing.undo(12, ann, 25).await, Err(Error::Refused(TokenInvalid))));
}

/// A token is bound to the account, and ends with its deactivation.
#[apply(row!)]
async fn k7_an_undo_ends_with_a_deactivation(mailing: Repositories) {
    let ann = mailing.verified().await;
    mailing.move_to(2, ann, "new@example.com", 9, 5).await;
    let bob = mailing.store.student("bob").await;
    assert!(matches!(mailing.undo(9, bob, 6).await, Err(Error::Refused(TokenInvalid))));
    let other = Purpose::VerifyEmail;
    assert!(!mailing.is_live(9, other, 6).await);
    mailing.store.accounts.deactivate(ann, context(7)).await.unwrap();
    mailing.store.accounts.activate(ann, context(8)).await.unwrap();
    assert!(matches!(mailing.undo(9, ann, 9).await, Err(Error::Refused(TokenInvalid))));
    assert_eq!(mailing.store.user(ann).await.email.as_str(), "new@example.com");
}

/// In what state an account is when somebody uses a token of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Active,
    LockedOut,
    Banned,
    /// Somebody else has set the password.
    MustChange,
    /// The same, and it is not good any more.
    FirstPasswordExpired,
    Inactive,
    /// Inactive for a while, and active again.
    Reactivated,
    Deleted,
}

impl Repositories {
    /// An account that is not verified, with a live token of this purpose.
    async fn with_token(&self, n: u8, name: &str, purpose: Purpose) -> UserId {
        let user = self.store.student(name).await;
        let address = match purpose {
            Purpose::ChangeEmail => format!("{name}2@example.com"),
            Purpose::UndoEmailChange => format!("{name}-before@example.com"),
            _ => format!("{name}@example.com"),
        };
        if purpose == Purpose::ChangeEmail {
            assert!(self.ask(user, &address, 1).await);
        }
        let is_bound = matches!(purpose, Purpose::ResetPassword | Purpose::ChangeEmail);
        let version = if is_bound { Some(CredentialVersion(0)) } else { None };
        let gives_back = (purpose == Purpose::UndoEmailChange).then(|| email(&address));
        let made =
            NewOneTimeToken { email: address, version, gives_back, ..token(n, purpose, user) };
        assert!(self.tokens.issue(made).await.unwrap());
        user
    }

    async fn put(&self, n: u8, user: UserId, standing: Standing) {
        let accounts = &self.store.accounts;
        match standing {
            Standing::Active => {}
            Standing::LockedOut => {
                let (subject, limits) = (LockoutSubject::Account(user), AttemptLimits::DEFAULT);
                for _ in 0..200 {
                    let lockouts = &self.store.lockouts;
                    lockouts.reserve(&subject, network(1), limits, at(2)).await.unwrap();
                }
            }
            Standing::Inactive => drop(accounts.deactivate(user, context(2)).await.unwrap()),
            Standing::Banned => {
                let ban = Ban { until: at(100), reason: None };
                let change = AccountChange::Ban(ban);
                accounts.administer(user, change, context(2)).await.unwrap();
            }
            // Whether it is good at the time of the use, or not any more.
            Standing::MustChange | Standing::FirstPasswordExpired => {
                let is_good = standing == Standing::MustChange;
                let until = if is_good { at(100) } else { at(4) };
                let first = Some(FirstPassword { from: at(2), until });
                let change = AccountChange::SetPassword { hash: hash("x"), first, mail: None };
                accounts.administer(user, change, context(2)).await.unwrap();
            }
            Standing::Reactivated => {
                accounts.deactivate(user, context(2)).await.unwrap();
                accounts.activate(user, context(3)).await.unwrap();
            }
            Standing::Deleted => {
                // Whoever has the mailbox disowns it.
                self.issue_to(n + 100, user).await;
                let digest = digest(n + 100);
                let disowning = Disowning {
                    digest,
                    user_id: user,
                    roles: Arc::default(),
                    at: at(2),
                    request: request(),
                };
                self.tokens.disown(disowning).await.unwrap();
            }
        }
    }

    /// A token that proves the address of an account.
    async fn issue_to(&self, n: u8, user: UserId) {
        let address = self.store.user(user).await.email.canonical().to_owned();
        let made = NewOneTimeToken { email: address, ..token(n, Purpose::VerifyEmail, user) };
        assert!(self.tokens.issue(made).await.unwrap());
    }

    /// Does what the token is for; whether that was done.
    async fn spend(&self, n: u8, purpose: Purpose, user: UserId) -> bool {
        match purpose {
            Purpose::VerifyEmail => self.verify(n, user, false, 5).await,
            Purpose::ResetPassword => self.tokens.reset_password(reset(n, user, 5)).await.is_ok(),
            Purpose::ChangeEmail => self.confirm(n, user, n + 200, 5).await.is_ok(),
            Purpose::UndoEmailChange => self.undo(n, user, 5).await.is_ok(),
            Purpose::Invitation => unreachable!("it is bound to no account"),
        }
    }
}

/// Every purpose in every state: what works, and that no token changes the state or the role.
#[apply(row!)]
async fn k7_no_token_of_any_purpose_survives_its_account_or_changes_its_state(
    mailing: Repositories,
) {
    use Standing::{
        Active, Banned, Deleted, FirstPasswordExpired, Inactive, LockedOut, MustChange, Reactivated,
    };
    mailing.store.add("root", Role::ADMIN).await;
    let purposes = Purpose::ALL.into_iter().filter(|purpose| *purpose != Purpose::Invitation);
    let mut n = 0;
    for purpose in purposes {
        for standing in [
            Active,
            LockedOut,
            Banned,
            MustChange,
            FirstPasswordExpired,
            Inactive,
            Reactivated,
            Deleted,
        ] {
            n += 1;
            let told = format!("{purpose:?} of an account that is {standing:?}");
            let user = mailing.with_token(n, &format!("user{n}"), purpose).await;
            mailing.put(n, user, standing).await;
            let is_bound = matches!(purpose, Purpose::ResetPassword | Purpose::ChangeEmail);
            let works = match standing {
                Active | LockedOut => true,
                MustChange | FirstPasswordExpired => !is_bound,
                Banned | Inactive | Reactivated | Deleted => false,
            };
            assert_eq!(mailing.is_live(n, purpose, 5).await, works, "{told}");
            assert_eq!(mailing.spend(n, purpose, user).await, works, "{told}");
            let after = mailing.store.accounts.find(user).await.unwrap();
            assert_eq!(after.is_none(), standing == Deleted, "{told}");
            if let Some(after) = after {
                assert_eq!(after.is_active, standing != Inactive, "{told}");
                assert_eq!(after.ban.is_some(), standing == Banned, "{told}");
                assert_eq!(after.role, Role::STUDENT, "{told}");
            }
        }
    }
}
