//! One-time tokens: each is used once, by whom it was made for, while all is as it was.

use std::time::Duration;

use macro_rules_attribute::apply;
use menjin_domain::accounts::{AddressChange, LoginName, ProfileChanges, Role};
use menjin_domain::common::{Error, UserId};
use menjin_domain::credentials::CredentialVersion;
use menjin_domain::lockout::{AttemptLimits, LockoutSubject};
use menjin_domain::mail::{MailKind, Settlement};
use menjin_domain::one_time::{
    Disowning, EmailVerification, NewOneTimeToken, OneTimeToken, PasswordReset, Purpose,
    TokenDigest, TokenInvalid,
};

use super::mails::{Repositories, mail};
use super::{Administer, at, at_once, context, email, hash, network, request, session_id};

/// The token of this number.
pub(super) fn digest(n: u8) -> TokenDigest {
    OneTimeToken::from_bytes(&[n; 32]).digest()
}

/// A token for a user whose address is `ann@example.com`.
pub(super) fn token(n: u8, purpose: Purpose, user_id: UserId) -> NewOneTimeToken {
    NewOneTimeToken {
        digest: digest(n),
        purpose,
        user_id,
        version: (purpose == Purpose::ResetPassword).then_some(CredentialVersion(0)),
        email: "ann@example.com".to_owned(),
        client: request().client,
        mail: None,
        created_at: at(n.into()),
        expires_at: Some(at(1000)),
        max_live: 3,
        gives_back: None,
    }
}

pub(super) fn reset(n: u8, user_id: UserId, seconds: i64) -> PasswordReset {
    PasswordReset {
        digest: digest(n),
        user_id,
        version: CredentialVersion(0),
        hash: hash("reset"),
        mail: Some(mail(MailKind::PasswordChanged, seconds)),
        at: at(seconds),
        request: request(),
    }
}

impl Repositories {
    pub(super) async fn issue(&self, n: u8, purpose: Purpose, user: UserId) {
        assert!(self.tokens.issue(token(n, purpose, user)).await.unwrap());
    }

    pub(super) async fn is_live(&self, n: u8, purpose: Purpose, seconds: i64) -> bool {
        self.tokens.find(&digest(n), purpose, at(seconds)).await.unwrap().is_some()
    }

    pub(super) async fn verify(
        &self,
        n: u8,
        user_id: UserId,
        with_password: bool,
        seconds: i64,
    ) -> bool {
        let proof = EmailVerification {
            digest: digest(n),
            user_id,
            email: "ann@example.com".to_owned(),
            with_password,
            at: at(seconds),
            request: request(),
        };
        match self.tokens.verify_email(proof).await {
            Ok(user) => user.is_verified,
            Err(Error::Refused(TokenInvalid)) => false,
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) async fn recovery_address(&self, user: UserId, seconds: i64) -> String {
        let recipient = self.tokens.find_recipient_by_id(user).await.unwrap().unwrap();
        recipient.recovery_address(at(seconds)).to_owned()
    }

    async fn change_address(&self, user: UserId, to: &str, seconds: i64) {
        let address = AddressChange { is_allowed: true, ..AddressChange::default() };
        let email = Some(email(to));
        let changes = ProfileChanges { email, address, ..ProfileChanges::default() };
        self.store.accounts.update_profile(user, changes, context(seconds)).await.unwrap();
    }
}

/// A token of one purpose is unknown to every other, and to another account's change.
#[apply(row!)]
async fn k2_a_token_is_bound_to_purpose_and_account(mailing: Repositories) {
    let (ann, bob) = (mailing.store.student("ann").await, mailing.store.student("bob").await);
    mailing.issue(1, Purpose::ResetPassword, ann).await;
    let holder = mailing.tokens.find(&digest(1), Purpose::ResetPassword, at(5)).await.unwrap();
    let holder = holder.unwrap();
    assert_eq!((holder.user.id, holder.version), (ann, CredentialVersion(0)));
    assert_eq!((holder.email.as_str(), holder.client), ("ann@example.com", request().client));
    assert!(!mailing.is_live(1, Purpose::VerifyEmail, 5).await);
    assert!(!mailing.verify(1, ann, false, 5).await);
    let refused = mailing.tokens.reset_password(reset(1, bob, 5)).await;
    assert!(matches!(refused, Err(Error::Refused(TokenInvalid))));
    assert_eq!(mailing.store.hash_of("bob").await, "$2b$04$bob");
}

/// Of 50 uses at once one succeeds; the password is that one's.
#[apply(row!)]
async fn k3_of_parallel_uses_one_succeeds(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    mailing.issue(1, Purpose::ResetPassword, ann).await;
    let done = at_once(50, |number| {
        let tokens = mailing.tokens.clone();
        let reset = PasswordReset { hash: hash(&number.to_string()), ..reset(1, ann, 5) };
        async move { tokens.reset_password(reset).await.is_ok() }
    })
    .await;
    assert_eq!(done.iter().filter(|done| **done).count(), 1);
    let winner = done.iter().position(|done| *done).unwrap();
    assert_eq!(mailing.store.hash_of("ann").await, format!("$2b$04${winner}"));
    assert_eq!(mailing.claim(5, 10).await.len(), 1, "the owner is told once");
}

/// The moment of expiry is the first at which it does not work.
#[apply(row!)]
async fn k4_expiry_is_checked_at_the_use(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    mailing.issue(1, Purpose::ResetPassword, ann).await;
    assert!(mailing.is_live(1, Purpose::ResetPassword, 999).await);
    assert!(!mailing.is_live(1, Purpose::ResetPassword, 1000).await);
    let refused = mailing.tokens.reset_password(reset(1, ann, 1000)).await;
    assert!(matches!(refused, Err(Error::Refused(TokenInvalid))));
    assert_eq!(mailing.store.hash_of("ann").await, "$2b$04$ann");
}

/// The fourth makes the first void; one that is used makes all void.
#[apply(row!)]
async fn k4_three_live_and_one_that_is_used_voids_all(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    for n in 1..=4 {
        mailing.issue(n, Purpose::ResetPassword, ann).await;
    }
    let purpose = Purpose::ResetPassword;
    assert_eq!(mailing.tokens.count_live(ann, purpose, at(5)).await.unwrap(), 3);
    assert!(!mailing.is_live(1, purpose, 5).await);
    mailing.issue(9, Purpose::VerifyEmail, ann).await;
    mailing.tokens.reset_password(reset(3, ann, 6)).await.unwrap();
    for n in 1..=4 {
        assert!(!mailing.is_live(n, purpose, 7).await, "{n}");
    }
    assert_eq!(mailing.tokens.count_live(ann, purpose, at(7)).await.unwrap(), 0);
    assert!(!mailing.is_live(9, Purpose::VerifyEmail, 7).await, "q6: every other token as well");
}

/// What is refused makes none void, and the newest is live whatever the clock said.
#[apply(row!)]
async fn k4_a_token_that_is_not_made_voids_none_and_one_that_is_made_lives(mailing: Repositories) {
    let (ann, purpose) = (mailing.store.student("ann").await, Purpose::ResetPassword);
    for n in 5..=7 {
        mailing.issue(n, purpose, ann).await;
    }
    let of_another_version =
        NewOneTimeToken { version: Some(CredentialVersion(9)), ..token(8, purpose, ann) };
    assert!(!mailing.tokens.issue(of_another_version).await.unwrap());
    assert_eq!(mailing.tokens.count_live(ann, purpose, at(9)).await.unwrap(), 3);
    // Made by a clock that was put back, and by one that stood still.
    for (n, seconds) in [(19, 1), (13, 7)] {
        let token = NewOneTimeToken { created_at: at(seconds), ..token(n, purpose, ann) };
        assert!(mailing.tokens.issue(token).await.unwrap());
        assert!(mailing.is_live(n, purpose, 9).await, "{n}");
        assert_eq!(mailing.tokens.count_live(ann, purpose, at(9)).await.unwrap(), 3);
    }
}

/// A mail that is sent a second time does not revive the token that was used in between.
#[apply(row!)]
async fn k3_a_token_that_was_used_is_not_made_again(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    mailing.issue(1, Purpose::ResetPassword, ann).await;
    mailing.issue(1, Purpose::ResetPassword, ann).await;
    mailing.tokens.reset_password(reset(1, ann, 5)).await.unwrap();
    let again = NewOneTimeToken {
        version: Some(mailing.store.credential_version(ann).await),
        ..token(1, Purpose::ResetPassword, ann)
    };
    assert!(!mailing.tokens.issue(again).await.unwrap());
    assert!(!mailing.is_live(1, Purpose::ResetPassword, 6).await);
}

/// What ends an account, or changes its password, ends the tokens that are bound to it.
#[apply(row!)]
async fn k7_tokens_end_with_what_they_are_bound_to(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    mailing.issue(1, Purpose::ResetPassword, ann).await;
    mailing.issue(2, Purpose::VerifyEmail, ann).await;
    assert!(mailing.store.change_password(ann, session_id(1)).await);
    assert!(!mailing.is_live(1, Purpose::ResetPassword, 8).await);
    assert!(mailing.is_live(2, Purpose::VerifyEmail, 8).await, "the address is as it was");
    mailing.store.accounts.deactivate(ann, context(9)).await.unwrap();
    assert!(!mailing.is_live(2, Purpose::VerifyEmail, 10).await);
    mailing.store.accounts.activate(ann, context(11)).await.unwrap();
    assert!(!mailing.is_live(2, Purpose::VerifyEmail, 12).await, "ended for good");
    let late = NewOneTimeToken {
        version: Some(CredentialVersion(0)),
        ..token(3, Purpose::ResetPassword, ann)
    };
    assert!(!mailing.tokens.issue(late).await.unwrap(), "the credentials have changed");
    let gone = token(4, Purpose::VerifyEmail, UserId::try_from(99).unwrap());
    assert!(!mailing.tokens.issue(gone).await.unwrap());
}

/// A mail of another address proves nothing of the new one.
#[apply(row!)]
async fn k2_a_proof_is_bound_to_the_very_address(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    mailing.issue(1, Purpose::VerifyEmail, ann).await;
    mailing.change_address(ann, "new@example.com", 5).await;
    assert!(!mailing.verify(1, ann, false, 6).await);
    assert!(!mailing.store.user(ann).await.is_verified);
}

/// The life of a token counts from when its mail was handed over.
#[apply(row!)]
async fn m3_a_token_expires_some_time_after_its_mail_was_sent(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    let queued = mailing.claimed(MailKind::ResetPassword, ann).await;
    let waiting = NewOneTimeToken {
        mail: Some(queued.id),
        expires_at: None,
        ..token(1, Purpose::ResetPassword, ann)
    };
    assert!(mailing.tokens.issue(waiting).await.unwrap());
    assert!(mailing.is_live(1, Purpose::ResetPassword, 100_000).await);
    let sent = Settlement::Sent { at: at(50), token_expires_at: Some(at(80)) };
    assert!(mailing.outbox.settle(&queued, Some(ann), None, sent).await.unwrap());
    assert!(mailing.is_live(1, Purpose::ResetPassword, 79).await);
    assert!(!mailing.is_live(1, Purpose::ResetPassword, 80).await);
}

/// All sessions end, the account's failures are forgotten, and its address is proved.
#[apply(row!)]
async fn w3_a_reset_ends_sessions_and_failures_and_proves_the_address(mailing: Repositories) {
    let store = &mailing.store;
    let ann = store.student("ann").await;
    let session = store.log_in(1, ann).await;
    let subject = LockoutSubject::Account(ann);
    let limits = AttemptLimits::DEFAULT;
    store.lockouts.reserve(&subject, network(1), limits, at(1)).await.unwrap();
    mailing.issue(1, Purpose::ResetPassword, ann).await;
    mailing.tokens.reset_password(reset(1, ann, 5)).await.unwrap();
    assert!(!store.is_live(session, 6).await);
    assert!(store.lockouts.counts(&subject).await.unwrap().is_empty());
    let user = store.user(ann).await;
    assert!(user.is_verified && user.updated_at == Some(at(5)));
    assert_eq!(store.credential_version(ann).await, CredentialVersion(1));
    assert_eq!(store.hash_of("ann").await, "$2b$04$reset");

    let bob = store.student("bob").await;
    let elsewhere = NewOneTimeToken {
        email: "old@example.com".into(),
        ..token(2, Purpose::ResetPassword, bob)
    };
    assert!(mailing.tokens.issue(elsewhere).await.unwrap());
    mailing.tokens.reset_password(reset(2, bob, 7)).await.unwrap();
    assert!(!store.user(bob).await.is_verified, "the link was not in the mailbox of its address");
}

/// Twice is no error, and one record.
#[apply(row!)]
async fn q1_verifying_is_idempotent(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    mailing.issue(1, Purpose::VerifyEmail, ann).await;
    let done = at_once(10, |_| {
        let mailing = mailing.clone();
        async move { mailing.verify(1, ann, false, 5).await }
    })
    .await;
    assert!(done.iter().all(|done| *done));
    let user = mailing.store.user(ann).await;
    assert!(user.is_verified && user.updated_at == Some(at(5)));
    let proved = mailing.store.credentials.find_by_id(ann).await.unwrap().unwrap();
    assert!(proved.is_proved);
}

/// New passwords go to the address before, until the new one is proved with the password or a week
/// has passed.
#[apply(row!)]
async fn w4_the_address_before_stays_the_recovery_address(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    mailing.issue(1, Purpose::VerifyEmail, ann).await;
    assert!(mailing.verify(1, ann, false, 5).await);
    mailing.change_address(ann, "new@example.com", 10).await;
    assert_eq!(mailing.recovery_address(ann, 11).await, "ann@example.com");
    let proved = mailing.store.credentials.find_by_id(ann).await.unwrap().unwrap();
    assert!(proved.is_proved, "q2: an address was proved before");
    mailing.change_address(ann, "third@example.com", 12).await;
    assert_eq!(mailing.recovery_address(ann, 13).await, "ann@example.com");
    let to_third = NewOneTimeToken {
        email: "third@example.com".into(),
        ..token(2, Purpose::VerifyEmail, ann)
    };
    assert!(mailing.tokens.issue(to_third).await.unwrap());
    assert!(mailing.verify(2, ann, false, 20).await);
    let week = 7 * 86_400;
    assert_eq!(mailing.recovery_address(ann, 20 + week - 1).await, "ann@example.com");
    assert_eq!(mailing.recovery_address(ann, 20 + week).await, "third@example.com");
    assert!(mailing.verify(2, ann, true, 30).await);
    assert_eq!(mailing.recovery_address(ann, 31).await, "third@example.com");
}

/// The same address in another case is the same mailbox.
#[apply(row!)]
async fn w4_an_address_that_stays_the_same_changes_nothing(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    mailing.issue(1, Purpose::VerifyEmail, ann).await;
    assert!(mailing.verify(1, ann, false, 5).await);
    mailing.change_address(ann, "ANN@example.com", 10).await;
    assert!(mailing.store.user(ann).await.is_verified);
    assert_eq!(mailing.recovery_address(ann, 11).await, "ANN@example.com");
}

/// Whoever has the mailbox deletes what somebody else made with its address.
#[apply(row!)]
async fn q6_an_account_that_nobody_proved_is_deleted_by_whoever_has_the_mailbox(
    mailing: Repositories,
) {
    let store = &mailing.store;
    let ann = store.student("ann").await;
    let session = store.log_in(1, ann).await;
    mailing.issue(1, Purpose::VerifyEmail, ann).await;
    let disown = async |n, user_id| {
        let disowning = Disowning {
            digest: digest(n),
            user_id,
            roles: std::sync::Arc::default(),
            at: at(5),
            request: request(),
        };
        mailing.tokens.disown(disowning).await
    };
    disown(1, ann).await.unwrap();
    assert_eq!(store.accounts.find(ann).await.unwrap(), None);
    assert!(!store.is_live(session, 6).await);
    let name = LoginName::parse("ann@example.com").unwrap();
    assert_eq!(mailing.tokens.find_recipient(&name).await.unwrap(), None);

    let again = store.student("ann").await;
    assert!(again > ann, "ids are never used twice");
    mailing.issue(2, Purpose::VerifyEmail, again).await;
    assert!(mailing.verify(2, again, false, 6).await);
    assert!(matches!(disown(2, again).await, Err(Error::Refused(TokenInvalid))));
    let root = store.add("root", Role::ADMIN).await.id;
    let to_root = NewOneTimeToken {
        email: "root@example.com".into(),
        ..token(3, Purpose::VerifyEmail, root)
    };
    assert!(mailing.tokens.issue(to_root).await.unwrap());
    assert!(matches!(disown(3, root).await, Err(Error::Refused(TokenInvalid))));
    assert!(store.accounts.find(root).await.unwrap().is_some());
}

/// Only old ones are deleted.
#[apply(row!)]
async fn old_tokens_are_deleted(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    mailing.issue(1, Purpose::VerifyEmail, ann).await;
    mailing.issue(5, Purpose::VerifyEmail, ann).await;
    let before = at(1) + Duration::from_secs(1);
    assert_eq!(mailing.tokens.delete_before(before).await.unwrap(), 1);
    assert!(!mailing.is_live(1, Purpose::VerifyEmail, 9).await);
    assert!(mailing.is_live(5, Purpose::VerifyEmail, 9).await);
}
