//! Second factors: begun, confirmed, used, taken away.

use std::sync::Arc;

use macro_rules_attribute::apply;
use menjin_domain::access::{OutOfReach, Reach, Roles};
use menjin_domain::accounts::{Authority, Role};
use menjin_domain::audit::AuditAction;
use menjin_domain::common::{Error, SessionId, UserId};
use menjin_domain::credentials::CredentialVersion;
use menjin_domain::lockout::{Admission, AttemptLimits, LockoutSubject};
use menjin_domain::mail::MailKind;
use menjin_domain::mfa::{
    Confirmation, Enrolment, NewRecoveryCodes, RecoveryDigest, Removal, SealedSecret,
    UsedRecoveryCode,
};

use super::mails::{Repositories, mail};
use super::{at, at_once, authority, context, network};

fn secret(text: &str) -> SealedSecret {
    SealedSecret { sealed: text.to_owned(), key_id: "new".to_owned() }
}

pub(crate) fn digest(text: &str) -> RecoveryDigest {
    RecoveryDigest { digest: text.to_owned(), key_id: "new".to_owned() }
}

fn enrolment(user_id: UserId, session_id: SessionId, text: &str) -> Enrolment {
    enrolment_at(user_id, session_id, text, 0)
}

/// One that was begun at this credential version.
pub(crate) fn enrolment_at(
    user_id: UserId,
    session_id: SessionId,
    text: &str,
    version: i64,
) -> Enrolment {
    Enrolment {
        user_id,
        session_id,
        verified_version: CredentialVersion(version),
        secret: secret(text),
        expires_at: at(600),
    }
}

pub(crate) fn confirmation(user_id: UserId, session_id: SessionId, text: &str) -> Confirmation {
    Confirmation {
        user_id,
        session_id,
        secret: secret(text),
        step: 100,
        recovery: vec![digest("one"), digest("two")],
        mail: Some(mail(MailKind::FactorAdded, 60)),
        context: context(60),
    }
}

pub(crate) fn used(user_id: UserId, digests: &[&str]) -> UsedRecoveryCode {
    UsedRecoveryCode {
        user_id,
        digests: digests.iter().map(|text| digest(text)).collect(),
        mail: Some(mail(MailKind::RecoveryCodeUsed, 70)),
        context: context(70),
    }
}

pub(crate) fn removal(user_id: UserId, authority: Authority) -> Removal {
    Removal {
        user_id,
        verified_version: None,
        keep_passkeys: false,
        keep_session: None,
        mail: Some(mail(MailKind::FactorRemoved, 80)),
        authority,
    }
}

impl Repositories {
    /// A user with a factor, confirmed in the session.
    async fn enrolled(&self, name: &str, session: u128) -> (UserId, SessionId) {
        let user = self.store.student(name).await;
        let session = self.store.log_in(session, user).await;
        self.factors.begin(enrolment(user, session, "secret")).await.unwrap();
        assert!(self.factors.confirm(confirmation(user, session, "secret")).await.unwrap());
        (user, session)
    }

    pub(crate) async fn actions(&self) -> Vec<(AuditAction, Option<UserId>)> {
        let recorded = self.store.recorded().await;
        recorded.iter().map(|event| (event.action, event.subject)).collect()
    }
}

/// A factor is confirmed in the session that began it, before it expires, with the secret of then.
#[apply(row!)]
async fn y1_a_factor_is_confirmed_where_it_was_begun(mailing: Repositories) {
    let Repositories { store, factors, .. } = &mailing;
    let ann = store.student("ann").await;
    let (mine, other) = (store.log_in(1, ann).await, store.log_in(2, ann).await);
    let bob = store.student("bob").await;
    let of_bob = store.log_in(3, bob).await;
    factors.begin(enrolment(ann, mine, "older")).await.unwrap();
    factors.begin(enrolment(ann, mine, "secret")).await.unwrap();
    let begun =
        async |user, session, seconds| factors.enrolment(user, session, at(seconds)).await.unwrap();
    assert_eq!(begun(ann, mine, 599).await, Some(secret("secret")));
    for (user, session, seconds) in [(ann, mine, 600), (ann, other, 1), (bob, of_bob, 1)] {
        assert_eq!(begun(user, session, seconds).await, None);
    }
    let before = (store.user(ann).await, mailing.actions().await);
    let late = Confirmation { context: context(601), ..confirmation(ann, mine, "secret") };
    for refused in [
        confirmation(ann, other, "secret"),
        confirmation(ann, mine, "older"),
        confirmation(bob, mine, "secret"),
        confirmation(ann, of_bob, "secret"),
        late,
    ] {
        assert!(!factors.confirm(refused.clone()).await.unwrap(), "{refused:?}");
    }
    assert_eq!((store.user(ann).await, mailing.actions().await), before);
    assert_eq!(factors.find(ann).await.unwrap(), None);
    let live = store.sessions.find_live(mine, at(2)).await.unwrap().unwrap();
    assert!(!live.session.has_factor && !live.user.has_factor);

    assert!(factors.confirm(confirmation(ann, mine, "secret")).await.unwrap());
    let factor = factors.find(ann).await.unwrap().unwrap();
    assert_eq!((&factor.secret, factor.last_step), (&secret("secret"), 100));
    assert_eq!(factor.created_at, at(60));
    let live = store.sessions.find_live(mine, at(61)).await.unwrap().unwrap();
    assert!(live.session.has_factor && live.user.has_factor, "the same session has it");
    assert!(!store.is_live(other, 61).await, "all others end");
    assert!(store.is_live(of_bob, 61).await);
    assert_eq!(store.credential_version(ann).await, CredentialVersion(1));
    let credentials = store.credentials.find_by_id(ann).await.unwrap().unwrap();
    assert!(credentials.has_factor);
    assert_eq!(mailing.actions().await.pop(), Some((AuditAction::FactorAdded, Some(ann))));
    assert_eq!(mailing.claim(60, 10).await.remove(0).mail.kind, MailKind::FactorAdded);
    assert!(!factors.confirm(confirmation(ann, mine, "secret")).await.unwrap(), "only once");
}

/// Another app takes the place of one, and new recovery codes that of the old ones.
#[apply(row!)]
async fn y1_another_app_takes_the_place_of_one(mailing: Repositories) {
    let (ann, session) = mailing.enrolled("ann", 1).await;
    let factors = &mailing.factors;
    let recovery = vec![digest("three")];
    let other = Confirmation { recovery, ..confirmation(ann, session, "other") };
    // Begun before the first was there.
    factors.begin(enrolment(ann, session, "other")).await.unwrap();
    assert!(!factors.confirm(other.clone()).await.unwrap());
    factors.begin(enrolment_at(ann, session, "other", 1)).await.unwrap();
    assert_eq!(factors.find(ann).await.unwrap().unwrap().secret, secret("secret"));
    assert!(factors.confirm(other).await.unwrap());
    assert_eq!(factors.find(ann).await.unwrap().unwrap().secret, secret("other"));
    assert!(!factors.use_step(ann, &secret("secret"), 200).await.unwrap());
    assert!(!factors.use_recovery_code(used(ann, &["one"])).await.unwrap());
    assert!(factors.use_recovery_code(used(ann, &["three"])).await.unwrap());
}

/// A code is taken once, and no earlier one after it.
#[apply(row!)]
async fn y3_of_parallel_uses_of_a_code_one_succeeds(mailing: Repositories) {
    let (ann, _) = mailing.enrolled("ann", 1).await;
    let step = async |step| mailing.factors.use_step(ann, &secret("secret"), step).await.unwrap();
    assert!(!step(100).await, "it has confirmed the factor");
    assert!(!step(99).await);
    let taken = at_once(50, |_| {
        let factors = mailing.factors.clone();
        async move { factors.use_step(ann, &secret("secret"), 101).await.unwrap() }
    });
    assert_eq!(taken.await.iter().filter(|taken| **taken).count(), 1);
    assert!(step(103).await);
    assert!(!step(102).await);
    let bob = mailing.store.student("bob").await;
    assert!(!mailing.factors.use_step(bob, &secret("secret"), 200).await.unwrap());
}

/// A recovery code is used up by its first use, under whichever key it was made.
#[apply(row!)]
async fn y5_of_parallel_uses_of_a_recovery_code_one_succeeds(mailing: Repositories) {
    let (ann, _) = mailing.enrolled("ann", 1).await;
    let (bob, _) = mailing.enrolled("bob", 2).await;
    let before = mailing.actions().await.len();
    let taken = at_once(50, |_| {
        let factors = mailing.factors.clone();
        async move { factors.use_recovery_code(used(ann, &["under-another-key", "one"])).await }
    });
    assert_eq!(taken.await.into_iter().filter(|taken| *taken.as_ref().unwrap()).count(), 1);
    let recorded = mailing.actions().await.split_off(before);
    assert_eq!(recorded, [(AuditAction::RecoveryCodeUsed, Some(ann))]);
    let take = async |user, codes: &[&str]| {
        mailing.factors.use_recovery_code(used(user, codes)).await.unwrap()
    };
    assert!(!take(ann, &["none", ""]).await && !take(ann, &[]).await);
    assert!(take(bob, &["one"]).await, "each has their own");
    let renewed = |version| NewRecoveryCodes {
        user_id: ann,
        verified_version: CredentialVersion(version),
        recovery: vec![digest("three")],
        mail: Some(mail(MailKind::RecoveryCodesRenewed, 75)),
        context: context(75),
    };
    assert!(!mailing.factors.replace_recovery_codes(renewed(0)).await.unwrap());
    assert!(take(ann, &["two"]).await, "nothing has changed");
    assert!(mailing.factors.replace_recovery_codes(renewed(1)).await.unwrap());
    let last = mailing.actions().await.pop();
    assert_eq!(last, Some((AuditAction::RecoveryCodesRenewed, Some(ann))));
    assert!(take(ann, &["three"]).await);
    let carl = mailing.store.student("carl").await;
    let of_carl = NewRecoveryCodes { user_id: carl, ..renewed(0) };
    assert!(!mailing.factors.replace_recovery_codes(of_carl).await.unwrap(), "there is no factor");
}

/// A factor goes with all that belongs to it.
#[apply(row!)]
async fn y7_a_factor_goes_with_its_codes_and_ends_sessions(mailing: Repositories) {
    let Repositories { store, factors, .. } = &mailing;
    let (ann, mine) = mailing.enrolled("ann", 1).await;
    let subject = LockoutSubject::Codes(ann);
    let limits = AttemptLimits::DEFAULT;
    let tried = store.lockouts.reserve(&subject, network(1), limits, at(70)).await;
    assert_eq!(tried.unwrap(), Admission::Admitted);
    factors.begin(enrolment(ann, mine, "other")).await.unwrap();
    let before = (store.user(ann).await, mailing.actions().await);
    let other = Some(CredentialVersion(0));
    let stale = Removal { verified_version: other, ..removal(ann, authority(80)) };
    assert!(!factors.remove(stale).await.unwrap());
    let reach = Arc::new(Roles::default()).reach_of(Role::STUDENT);
    let far = Authority { reach, ..authority(80) };
    let admin = store.add("root", Role::ADMIN).await.id;
    let refused = factors.remove(removal(admin, far)).await;
    assert!(matches!(refused, Err(Error::Refused(OutOfReach))), "{refused:?}");
    assert_eq!(
        (store.user(ann).await, factors.find(ann).await.unwrap().is_some()),
        (before.0, true)
    );
    let mine_stays = Removal {
        verified_version: Some(CredentialVersion(1)),
        keep_session: Some(mine),
        ..removal(ann, authority(80))
    };
    assert!(factors.remove(mine_stays).await.unwrap());
    assert!(store.is_live(mine, 81).await);
    assert_eq!(factors.find(ann).await.unwrap(), None);
    assert_eq!(factors.enrolment(ann, mine, at(81)).await.unwrap(), None);
    assert!(!factors.use_recovery_code(used(ann, &["one"])).await.unwrap());
    assert!(store.lockouts.counts(&subject).await.unwrap().is_empty());
    assert!(!store.user(ann).await.has_factor);
    assert_eq!(store.credential_version(ann).await, CredentialVersion(2));
    assert_eq!(mailing.actions().await.pop(), Some((AuditAction::FactorRemoved, Some(ann))));
    assert!(!factors.remove(removal(ann, authority(90))).await.unwrap(), "there is none");

    let (bob, of_bob) = mailing.enrolled("bob", 2).await;
    let everybody = Authority { reach: Reach::EVERYBODY, ..authority(80) };
    assert!(factors.remove(removal(bob, everybody)).await.unwrap());
    assert!(!store.is_live(of_bob, 81).await, "by somebody else, all end");
}

/// Secrets under another key are found, counted and replaced.
#[apply(row!)]
async fn y5_secrets_of_older_keys_are_found_and_replaced(mailing: Repositories) {
    let (ann, _) = mailing.enrolled("ann", 1).await;
    let factors = &mailing.factors;
    let count = async |key| factors.count_of_other_keys(key).await.unwrap();
    assert_eq!((count("new").await, count("newest").await), (0, 1));
    assert_eq!(factors.of_other_keys("new").await.unwrap(), []);
    assert_eq!(factors.of_other_keys("newest").await.unwrap(), [(ann, secret("secret"))]);
    let newest = SealedSecret { sealed: "again".to_owned(), key_id: "newest".to_owned() };
    assert!(!factors.reseal(ann, &secret("another"), &newest).await.unwrap());
    assert!(factors.reseal(ann, &secret("secret"), &newest).await.unwrap());
    let factor = factors.find(ann).await.unwrap().unwrap();
    assert_eq!((&factor.secret, factor.last_step), (&newest, 100), "the step stays");
    assert_eq!(factors.of_other_keys("newest").await.unwrap(), []);
    assert_eq!(count("newest").await, 1, "the recovery codes still need the one before");
}
