//! Passkeys: challenges, and what is added, used and taken away.

use macro_rules_attribute::apply;
use menjin_domain::audit::AuditAction;
use menjin_domain::common::{SessionId, UserId};
use menjin_domain::credentials::CredentialVersion;
use menjin_domain::mail::MailKind;
use menjin_domain::mfa::{Removal, StoredFactor};
use menjin_domain::passkeys::{
    ChallengePurpose, NewChallenge, NewPasskey, Passkey, PasskeyName, PasskeyRemoval, PasskeyUse,
    TakenChallenge,
};

use super::mails::{Repositories, mail};
use super::mfa::{confirmation, digest, enrolment_at, removal, used};
use super::{at, at_once, authority, context};

fn challenge(text: &str, purpose: ChallengePurpose) -> NewChallenge {
    let version = Some(CredentialVersion(5));
    NewChallenge { challenge: text.to_owned(), purpose, version, expires_at: at(300) }
}

fn passkey(user_id: UserId, session_id: SessionId, credential_id: &str) -> NewPasskey {
    NewPasskey {
        user_id,
        session_id,
        verified_version: CredentialVersion(0),
        credential_id: credential_id.to_owned(),
        public_key: "key".to_owned(),
        name: PasskeyName::parse("我的手机").unwrap(),
        sign_count: 3,
        recovery: None,
        mail: Some(mail(MailKind::FactorAdded, 60)),
        context: context(60),
    }
}

fn first(user_id: UserId, session_id: SessionId, credential_id: &str) -> NewPasskey {
    let recovery = Some(vec![digest("one"), digest("two")]);
    NewPasskey { recovery, ..passkey(user_id, session_id, credential_id) }
}

fn later(user_id: UserId, session_id: SessionId, credential_id: &str) -> NewPasskey {
    let verified_version = CredentialVersion(1);
    NewPasskey { verified_version, ..passkey(user_id, session_id, credential_id) }
}

fn without(passkey: &Passkey, keep_session: SessionId, version: i64) -> PasskeyRemoval {
    PasskeyRemoval {
        user_id: passkey.user_id,
        passkey: passkey.id,
        verified_version: CredentialVersion(version),
        keep_session,
        mail: Some(mail(MailKind::FactorRemoved, 80)),
        context: context(80),
    }
}

impl Repositories {
    /// A user with a passkey as the only factor.
    async fn with_passkey(&self, name: &str, session: u128) -> (UserId, SessionId, Passkey) {
        let user = self.store.student(name).await;
        let session = self.store.log_in(session, user).await;
        assert!(self.passkeys.add(first(user, session, name)).await.unwrap());
        let passkey = self.passkeys.find(name).await.unwrap().unwrap();
        (user, session, passkey)
    }
}

/// A challenge is good once, for one thing, and not for long; it is gone after a wrong use as well.
#[apply(row!)]
async fn y8_a_challenge_is_good_once_and_for_one_thing(mailing: Repositories) {
    let Repositories { store, passkeys, .. } = &mailing;
    let (ann, bob) = (store.student("ann").await, store.student("bob").await);
    let (mine, other) = (store.log_in(1, ann).await, store.log_in(2, ann).await);
    let purposes = [
        ChallengePurpose::Login,
        ChallengePurpose::SecondFactor(ann),
        ChallengePurpose::SecondFactor(bob),
        ChallengePurpose::Creation(ann, mine),
        ChallengePurpose::Creation(ann, other),
        ChallengePurpose::Creation(bob, mine),
    ];
    let take = async |text, purpose, seconds| passkeys.take(text, purpose, at(seconds)).await;
    for made in purposes {
        for asked in purposes {
            passkeys.begin(challenge("text", made)).await.unwrap();
            assert!(take("other", made, 1).await.unwrap().is_none());
            let taken = take("text", asked, 299).await.unwrap();
            let expected = TakenChallenge { version: Some(CredentialVersion(5)) };
            assert_eq!(taken, (made == asked).then_some(expected), "{made:?} {asked:?}");
            let again = take("text", made, 1).await.unwrap();
            assert!(again.is_none(), "it is gone: {made:?} {asked:?}");
        }
    }
    passkeys.begin(challenge("text", ChallengePurpose::Login)).await.unwrap();
    let late = take("text", ChallengePurpose::Login, 300).await.unwrap();
    assert!(late.is_none(), "it is over");
    passkeys.begin(challenge("text", ChallengePurpose::Login)).await.unwrap();
    let taken = at_once(50, |_| {
        let passkeys = passkeys.clone();
        async move { passkeys.take("text", ChallengePurpose::Login, at(1)).await.unwrap() }
    });
    assert_eq!(taken.await.iter().filter(|taken| taken.is_some()).count(), 1);
}

/// What nobody has answered is deleted once it is over.
#[apply(row!)]
async fn y8_challenges_that_are_over_are_deleted(mailing: Repositories) {
    let passkeys = &mailing.passkeys;
    for text in ["one", "two"] {
        passkeys.begin(challenge(text, ChallengePurpose::Login)).await.unwrap();
    }
    let later = NewChallenge { expires_at: at(900), ..challenge("later", ChallengePurpose::Login) };
    passkeys.begin(later).await.unwrap();
    assert_eq!(passkeys.delete_challenges(at(299)).await.unwrap(), 0);
    assert_eq!(passkeys.delete_challenges(at(301)).await.unwrap(), 2);
    let later = passkeys.take("later", ChallengePurpose::Login, at(301)).await.unwrap();
    assert!(later.is_some());
}

/// The first factor comes with recovery codes, and a later one leaves them.
#[apply(row!)]
async fn y8_a_passkey_is_added_in_a_live_session(mailing: Repositories) {
    let Repositories { store, passkeys, factors, .. } = &mailing;
    let ann = store.student("ann").await;
    let (mine, other) = (store.log_in(1, ann).await, store.log_in(2, ann).await);
    let bob = store.student("bob").await;
    let before = (store.user(ann).await, mailing.actions().await);
    let late = NewPasskey { context: context(10_000_000), ..first(ann, mine, "late") };
    let stale = later(ann, mine, "of another version");
    let stale = NewPasskey { recovery: Some(vec![digest("one")]), ..stale };
    for refused in [passkey(ann, mine, "no codes"), first(bob, mine, "not mine"), late, stale] {
        assert!(!passkeys.add(refused.clone()).await.unwrap(), "{refused:?}");
    }
    assert_eq!((store.user(ann).await, mailing.actions().await), before);
    assert_eq!(passkeys.list(ann).await.unwrap(), []);

    assert!(passkeys.add(first(ann, mine, "phone")).await.unwrap());
    let added = passkeys.find("phone").await.unwrap().unwrap();
    assert_eq!(passkeys.list(ann).await.unwrap(), std::slice::from_ref(&added));
    assert_eq!((added.user_id, added.sign_count, added.last_used_at), (ann, 3, None));
    assert_eq!((added.public_key.as_str(), added.created_at), ("key", at(60)));
    assert_eq!(added.name.as_str(), "我的手机");
    let live = store.sessions.find_live(mine, at(61)).await.unwrap().unwrap();
    assert!(live.session.has_factor && live.user.has_factor, "the same session has it");
    assert!(!store.is_live(other, 61).await, "all others end");
    assert_eq!(store.credential_version(ann).await, CredentialVersion(1));
    assert_eq!(mailing.actions().await.pop(), Some((AuditAction::PasskeyAdded, Some(ann))));
    assert_eq!(mailing.claim(60, 10).await.remove(0).mail.kind, MailKind::FactorAdded);

    // Codes for an account that has them, an id that somebody has: nothing changes.
    let with_codes = NewPasskey { recovery: Some(vec![digest("x")]), ..later(ann, mine, "tablet") };
    assert!(!passkeys.add(with_codes).await.unwrap());
    assert!(!passkeys.add(later(ann, mine, "phone")).await.unwrap());
    // Begun before the first was there.
    assert!(!passkeys.add(passkey(ann, mine, "tablet")).await.unwrap());
    let of_bob = store.log_in(3, bob).await;
    assert!(!passkeys.add(first(bob, of_bob, "phone")).await.unwrap());
    assert!(!store.user(bob).await.has_factor);
    assert_eq!(store.credential_version(ann).await, CredentialVersion(1));

    assert!(passkeys.add(later(ann, mine, "tablet")).await.unwrap());
    let all = passkeys.list(ann).await.unwrap();
    let ids: Vec<_> = all.iter().map(|passkey| passkey.credential_id.as_str()).collect();
    assert_eq!(ids, ["phone", "tablet"], "the oldest first");
    assert!(factors.use_recovery_code(used(ann, &["one"])).await.unwrap(), "the codes stay");
    assert_eq!(factors.find(ann).await.unwrap(), None::<StoredFactor>, "there is no app");
}

/// A count that goes back is recorded, and the passkey is good all the same.
#[apply(row!)]
async fn y8_a_count_that_goes_back_is_recorded(mailing: Repositories) {
    let (ann, _, added) = mailing.with_passkey("ann", 1).await;
    let (bob, ..) = mailing.with_passkey("bob", 2).await;
    let recorded = mailing.actions().await.len();
    let count = |user_id, sign_count, seconds| PasskeyUse {
        user_id,
        passkey: added.id,
        sign_count,
        context: context(seconds),
    };
    let passkeys = &mailing.passkeys;
    assert!(!passkeys.use_passkey(count(bob, 4, 70)).await.unwrap(), "it is not his");
    assert!(passkeys.use_passkey(count(ann, 4, 70)).await.unwrap());
    assert_eq!(mailing.actions().await.len(), recorded);
    let found = passkeys.find("ann").await.unwrap().unwrap();
    assert_eq!((found.sign_count, found.last_used_at), (4, Some(at(70))));
    let back = Some((AuditAction::PasskeyCountWentBack, Some(ann)));
    for sign_count in [4, 2, 0] {
        assert!(passkeys.use_passkey(count(ann, sign_count, 71)).await.unwrap());
        assert_eq!(mailing.actions().await.pop(), back, "{sign_count}");
    }
    // One that does not count says 0 for ever.
    let recorded = mailing.actions().await.len();
    assert!(passkeys.use_passkey(count(ann, 0, 72)).await.unwrap());
    assert_eq!(mailing.actions().await.len(), recorded);
    assert_eq!(passkeys.find("ann").await.unwrap().unwrap().sign_count, 0);
}

/// A passkey is taken away by its owner only, and the recovery codes go with the last factor.
#[apply(row!)]
async fn y8_a_passkey_is_removed_by_its_owner(mailing: Repositories) {
    let Repositories { store, passkeys, factors, .. } = &mailing;
    let (ann, mine, phone) = mailing.with_passkey("ann", 1).await;
    let (bob, of_bob, _) = mailing.with_passkey("bob", 2).await;
    assert!(passkeys.add(later(ann, mine, "tablet")).await.unwrap());
    let tablet = passkeys.find("tablet").await.unwrap().unwrap();
    let other = store.log_in(3, ann).await;
    let foreign = PasskeyRemoval { user_id: bob, ..without(&phone, of_bob, 1) };
    for refused in [foreign, without(&phone, mine, 1)] {
        assert!(!passkeys.remove(refused.clone()).await.unwrap(), "{refused:?}");
    }
    assert_eq!(passkeys.list(ann).await.unwrap().len(), 2);
    assert!(store.is_live(other, 81).await);

    assert!(passkeys.remove(without(&phone, mine, 2)).await.unwrap());
    assert!(!passkeys.remove(without(&phone, mine, 3)).await.unwrap(), "it is gone");
    assert_eq!(passkeys.find("ann").await.unwrap(), None);
    assert!(store.user(ann).await.has_factor);
    assert!(store.is_live(mine, 81).await && !store.is_live(other, 81).await);
    assert_eq!(mailing.actions().await.pop(), Some((AuditAction::PasskeyRemoved, Some(ann))));
    assert_eq!(store.credential_version(ann).await, CredentialVersion(3));
    assert!(passkeys.remove(without(&tablet, mine, 3)).await.unwrap());
    assert!(!store.user(ann).await.has_factor, "it was the last");
    assert!(!factors.use_recovery_code(used(ann, &["one"])).await.unwrap());
    assert_eq!(passkeys.list(bob).await.unwrap().len(), 1);
}

/// An app and passkeys come and go by themselves; who has lost all loses all.
#[apply(row!)]
async fn y7_an_app_goes_and_passkeys_stay_unless_all_are_lost(mailing: Repositories) {
    let Repositories { store, passkeys, factors, .. } = &mailing;
    let (ann, mine, _) = mailing.with_passkey("ann", 1).await;
    let app_only =
        || Removal { keep_passkeys: true, keep_session: Some(mine), ..removal(ann, authority(80)) };
    assert!(!factors.remove(app_only()).await.unwrap(), "there is no app");
    assert_eq!(store.credential_version(ann).await, CredentialVersion(1), "nothing has changed");
    factors.begin(enrolment_at(ann, mine, "secret", 1)).await.unwrap();
    assert!(factors.confirm(confirmation(ann, mine, "secret")).await.unwrap());
    assert!(factors.remove(app_only()).await.unwrap());
    assert_eq!(factors.find(ann).await.unwrap(), None);
    assert!(store.user(ann).await.has_factor, "the passkey is there");
    assert!(factors.use_recovery_code(used(ann, &["one"])).await.unwrap());
    assert!(store.is_live(mine, 81).await);

    assert!(factors.remove(removal(ann, authority(90))).await.unwrap());
    assert_eq!(passkeys.list(ann).await.unwrap(), []);
    assert!(!store.user(ann).await.has_factor && !store.is_live(mine, 91).await);
    assert!(!factors.use_recovery_code(used(ann, &["two"])).await.unwrap());
}
