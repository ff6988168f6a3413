//! The outbox: a mail is written with its cause, claimed by one worker at a time, and settled once.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use macro_rules_attribute::apply;
use menjin_domain::accounts::{AddressChange, LoginName, NewUser, ProfileChanges, Role};
use menjin_domain::audit::{AuditAction, AuditFilter, AuditOrder, AuditQuery};
use menjin_domain::common::{Error, Locale, UserId};
use menjin_domain::credentials::{CredentialVersion, PasswordChange};
use menjin_domain::invitations::InvitationRepository;
use menjin_domain::jobs::JobRepository;
use menjin_domain::mail::{
    Claim, MailError, MailId, MailKind, MailQuery, MailState, NewMail, Outbox, QueuedMail,
    RetryMailError, Settlement,
};
use menjin_domain::mfa::FactorRepository;
use menjin_domain::one_time::{EmailChangeMails, OneTimeToken, OneTimeTokenRepository, TokenSeed};
use menjin_domain::passkeys::PasskeyRepository;
use menjin_domain::ports;

use super::{Store, at, at_once, context, email, hash, new_user, request, session_id};

/// All repositories of one database, empty at first.
#[derive(Clone)]
pub struct Repositories {
    /// Those of accounts, sessions and records.
    pub store: Store,
    /// The tokens.
    pub tokens: Arc<dyn OneTimeTokenRepository>,
    /// The mails.
    pub outbox: Arc<dyn Outbox>,
    /// The invitations.
    pub invitations: Arc<dyn InvitationRepository>,
    /// The jobs.
    pub jobs: Arc<dyn JobRepository>,
    /// The second factors.
    pub factors: Arc<dyn FactorRepository>,
    /// The passkeys.
    pub passkeys: Arc<dyn PasskeyRepository>,
}

impl Repositories {
    /// A store that has all of them.
    pub fn of(store: impl ports::Repositories + 'static) -> Self {
        let store = Arc::new(store);
        Self {
            tokens: store.clone(),
            outbox: store.clone(),
            jobs: store.clone(),
            factors: store.clone(),
            passkeys: store.clone(),
            invitations: store.clone(),
            store: Store {
                accounts: store.clone(),
                credentials: store.clone(),
                sessions: store.clone(),
                lockouts: store.clone(),
                records: store,
                keep: Arc::new(()),
            },
        }
    }

    /// Keeps something as long as they live, such as the folder of a file.
    #[must_use]
    pub fn keeping(mut self, what: impl Any + Send + Sync) -> Self {
        self.store.keep = Arc::new(what);
        self
    }
}

/// A mail of this kind, queued at `at(seconds)`.
pub(super) fn mail(kind: MailKind, seconds: i64) -> NewMail {
    NewMail {
        kind,
        to: None,
        name: None,
        locale: Some(Locale::En),
        seed: TokenSeed { random: "5e".repeat(32), key_id: "key".to_owned() },
        client: request().client,
        created_at: at(seconds),
    }
}

impl Repositories {
    /// Claims what is due at `at(seconds)`, for a minute.
    pub(super) async fn claim(&self, seconds: i64, limit: u32) -> Vec<QueuedMail> {
        let claim = Claim { at: at(seconds), until: at(seconds + 60), limit };
        self.outbox.claim(claim).await.unwrap()
    }

    /// Queues a mail to an account, and claims it.
    pub(super) async fn claimed(&self, kind: MailKind, user: UserId) -> QueuedMail {
        self.outbox.enqueue(mail(kind, 0), Some(user)).await.unwrap();
        self.claim(0, 10).await.remove(0)
    }

    async fn settle(&self, mail: &QueuedMail, settlement: Settlement) -> bool {
        let recipient = Some("ann@example.com".to_owned());
        self.outbox.settle(mail, mail.user_id, recipient, settlement).await.unwrap()
    }

    async fn states(&self) -> Vec<(MailId, MailState)> {
        let query = MailQuery { state: None, user: None, after: None, limit: 1000 };
        let page = self.outbox.list(query).await.unwrap();
        page.mails.iter().map(|mail| (mail.id, mail.state)).collect()
    }
}

fn refused(is_final: bool) -> MailError {
    MailError { is_final, code: "451".to_owned(), text: "greylisted".to_owned() }
}

/// The mail is there with the account, and not without it.
#[apply(row!)]
async fn m1_a_mail_is_written_with_its_cause(mailing: Repositories) {
    let verify =
        || NewUser { mail: Some(mail(MailKind::VerifyEmail, 0)), ..new_user("ann", Role::STUDENT) };
    let ann = mailing.store.accounts.create(verify()).await.unwrap().id;
    assert!(mailing.store.accounts.create(verify()).await.is_err());
    let claimed = mailing.claim(0, 10).await;
    let [only] = claimed.as_slice() else { panic!("{claimed:?}") };
    assert_eq!((only.user_id, only.claims, only.attempts), (Some(ann), 1, 0));
    assert_eq!(only.mail, mail(MailKind::VerifyEmail, 0));

    let change = |version| PasswordChange {
        user_id: ann,
        verified_version: CredentialVersion(version),
        hash: hash("new"),
        keep_session: session_id(1),
        mail: Some(mail(MailKind::PasswordChanged, 1)),
        at: at(1),
        request: request(),
    };
    assert!(!mailing.store.credentials.change_password(change(7)).await.unwrap());
    assert!(mailing.claim(1, 10).await.is_empty(), "nothing changed, nobody is told");
    assert!(mailing.store.credentials.change_password(change(0)).await.unwrap());
    let claimed = mailing.claim(1, 10).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].mail.kind, MailKind::PasswordChanged);
}

/// The mails of a changed address are there if it is another, and only then.
#[apply(row!)]
async fn m1_a_changed_address_is_told_if_it_is_another(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    let to = |address: &str| ProfileChanges {
        email: Some(email(address)),
        address: AddressChange {
            is_allowed: true,
            by_password: false,
            mails: Some(EmailChangeMails {
                notice: mail(MailKind::EmailChanged, 0),
                undo: OneTimeToken::from_bytes(&[9; 32]).digest(),
                verification: Some(mail(MailKind::VerifyEmail, 0)),
            }),
        },
        ..ProfileChanges::default()
    };
    let accounts = &mailing.store.accounts;
    mailing.store.student("bob").await;
    let taken = accounts.update_profile(ann, to("bob@example.com"), context(1)).await;
    assert!(taken.is_err());
    accounts.update_profile(ann, to("ANN@example.com"), context(1)).await.unwrap();
    assert!(mailing.claim(1, 10).await.is_empty());
    accounts.update_profile(ann, to("new@example.com"), context(1)).await.unwrap();
    let claimed = mailing.claim(1, 10).await;
    let kinds: Vec<_> = claimed.iter().map(|mail| (mail.mail.kind, mail.user_id)).collect();
    let expected = [(MailKind::EmailChanged, Some(ann)), (MailKind::VerifyEmail, Some(ann))];
    assert_eq!(kinds, expected);
    assert_eq!(claimed[0].mail.to, None, "the address before was not verified");
}

/// Of workers that ask at once, each gets other mails; a claim that ran out is given to the next.
#[apply(row!)]
async fn m2_a_mail_is_claimed_by_one_worker_at_a_time(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    for _ in 0..40 {
        let one = mail(MailKind::PasswordChanged, 0);
        mailing.outbox.enqueue(one, Some(ann)).await.unwrap();
    }
    let claims = at_once(8, |_| {
        let mailing = mailing.clone();
        async move { mailing.claim(0, 7).await }
    })
    .await;
    assert!(claims.iter().all(|claimed| claimed.len() <= 7));
    let ids: Vec<_> = claims.iter().flatten().map(|mail| mail.id).collect();
    let different: BTreeSet<_> = ids.iter().collect();
    assert_eq!(different.len(), ids.len(), "{ids:?}");
    let rest = mailing.claim(1, 100).await;
    assert_eq!(ids.len() + rest.len(), 40);
    assert!(mailing.claim(59, 100).await.is_empty());
    let again = mailing.claim(61, 100).await;
    assert_eq!(again.len(), 40);
    assert!(again.iter().all(|mail| mail.claims == 2 && mail.attempts == 0));
}

/// Workers that go on until nothing is left send each mail once.
#[apply(row!)]
async fn m2_workers_send_each_mail_once(mailing: Repositories) {
    const MAILS: usize = 1000;
    let ann = mailing.store.student("ann").await;
    for _ in 0..MAILS {
        let one = mail(MailKind::PasswordChanged, 0);
        mailing.outbox.enqueue(one, Some(ann)).await.unwrap();
    }
    let sent = at_once(4, |_| {
        let mailing = mailing.clone();
        async move {
            let mut sent = Vec::new();
            loop {
                let claimed = mailing.claim(0, 64).await;
                if claimed.is_empty() {
                    return sent;
                }
                for mail in claimed {
                    let settled = Settlement::Sent { at: at(1), token_expires_at: None };
                    assert!(mailing.settle(&mail, settled).await);
                    sent.push(mail.id);
                }
            }
        }
    })
    .await;
    let ids: Vec<_> = sent.into_iter().flatten().collect();
    let different: BTreeSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), different.len()), (MAILS, MAILS));
    assert_eq!(mailing.outbox.backlog().await.unwrap().queued, 0);
}

/// A worker whose claim ran out and was given away settles nothing.
#[apply(row!)]
async fn m2_only_the_last_claim_settles(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    let first = mailing.claimed(MailKind::PasswordChanged, ann).await;
    let second = mailing.claim(61, 10).await.remove(0);
    let sent = Settlement::Sent { at: at(62), token_expires_at: None };
    assert!(!mailing.settle(&first, sent.clone()).await);
    assert_eq!(mailing.states().await, [(first.id, MailState::Queued)]);
    assert!(mailing.settle(&second, sent.clone()).await);
    assert!(!mailing.settle(&second, sent).await, "settled once");
    assert_eq!(mailing.states().await, [(first.id, MailState::Sent)]);
    assert!(mailing.claim(1_000_000, 10).await.is_empty());
}

/// A try that failed is due later; one that is given up is not due at all.
#[apply(row!)]
async fn m3_a_try_that_failed_is_due_when_it_says(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    let mail = mailing.claimed(MailKind::PasswordChanged, ann).await;
    let again = Settlement::Again { due_at: at(100), error: refused(false) };
    assert!(mailing.settle(&mail, again).await);
    assert!(mailing.claim(99, 10).await.is_empty());
    let mail = mailing.claim(100, 10).await.remove(0);
    assert_eq!((mail.attempts, mail.claims), (1, 2));
    let found = mailing.outbox.find(mail.id).await.unwrap().unwrap();
    assert_eq!(found.error, Some(("451".to_owned(), "greylisted".to_owned())));
    assert_eq!(found.recipient.as_deref(), Some("ann@example.com"));
    let failed = Settlement::Failed { token_expires_at: None, error: refused(true) };
    assert!(mailing.settle(&mail, failed).await);
    assert!(mailing.claim(1_000_000, 10).await.is_empty());
    assert_eq!(mailing.states().await, [(mail.id, MailState::Failed)]);
}

/// A limit is no try. What nobody has the name for leaves nothing.
#[apply(row!)]
async fn m4_a_postponed_mail_was_not_tried_and_a_dropped_one_is_gone(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    let name = LoginName::parse("ann").ok();
    let asked = NewMail { name: name.clone(), ..mail(MailKind::ResetPassword, 0) };
    mailing.outbox.enqueue(asked, None).await.unwrap();
    let claimed = mailing.claim(0, 10).await.remove(0);
    assert_eq!((claimed.user_id, claimed.mail.name.clone()), (None, name));
    let postponed = Settlement::Postponed { due_at: at(50) };
    mailing.outbox.settle(&claimed, Some(ann), None, postponed).await.unwrap();
    let due = mailing.claim(50, 10).await.remove(0);
    assert_eq!((due.attempts, due.user_id), (0, Some(ann)));
    assert_eq!(due.mail.name, None, "once it is known whose it is, the name is of no more use");

    let other = NewMail { name: LoginName::parse("bob").ok(), ..mail(MailKind::ResetPassword, 1) };
    mailing.outbox.enqueue(other, None).await.unwrap();
    let second = mailing.claim(51, 10).await.remove(0);
    assert!(mailing.outbox.has_other(&second, ann).await.unwrap());
    assert!(!mailing.outbox.has_other(&due, ann).await.unwrap());
    assert!(mailing.outbox.settle(&second, None, None, Settlement::Dropped).await.unwrap());
    assert_eq!(mailing.states().await, [(due.id, MailState::Queued)]);
}

/// Notices go before what anybody can cause, and the longest due first.
#[apply(row!)]
async fn m4_notices_go_first(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    for (kind, seconds) in [
        (MailKind::ResetPassword, 0),
        (MailKind::PasswordChanged, 2),
        (MailKind::PasswordChanged, 1),
    ] {
        mailing.outbox.enqueue(mail(kind, seconds), Some(ann)).await.unwrap();
    }
    let claimed = mailing.claim(5, 2).await;
    let order: Vec<_> = claimed.iter().map(|mail| (mail.mail.kind, mail.queued_at)).collect();
    let expected = [(MailKind::PasswordChanged, at(1)), (MailKind::PasswordChanged, at(2))];
    assert_eq!(order, expected);
}

/// What was given up can be queued again, and that is recorded.
#[apply(row!)]
async fn m8_only_a_mail_that_was_given_up_is_queued_again(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    let mail = mailing.claimed(MailKind::PasswordChanged, ann).await;
    let retry = async |id: MailId| mailing.outbox.retry(id, context(70)).await;
    let refused_with = |result: Result<_, Error<RetryMailError>>, expected: RetryMailError| {
        let refused = matches!(&result, Err(Error::Refused(refusal)) if *refusal == expected);
        assert!(refused, "{result:?}");
    };
    refused_with(retry(mail.id).await, RetryMailError::NotRetriable);
    refused_with(retry(MailId::try_from(99).unwrap()).await, RetryMailError::NotFound);
    let failed = Settlement::Failed { token_expires_at: None, error: refused(true) };
    assert!(mailing.settle(&mail, failed).await);
    let queued = retry(mail.id).await.unwrap();
    assert_eq!((queued.state, queued.attempts, queued.due_at), (MailState::Queued, 0, at(70)));
    assert_eq!(mailing.claim(70, 10).await.len(), 1);
    let query = AuditQuery {
        filter: AuditFilter { action: Some(AuditAction::MailRetried), ..AuditFilter::default() },
        beyond: None,
        limit: 10,
        order: AuditOrder::NewestFirst,
    };
    let records = mailing.store.records.list(query).await.unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].event.subject, Some(ann));
}

/// Pages go on where the one before ended; the backlog is what waits.
#[apply(row!)]
async fn m8_mails_are_listed_newest_first(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    for seconds in 0..5 {
        let one = mail(MailKind::PasswordChanged, seconds);
        mailing.outbox.enqueue(one, Some(ann)).await.unwrap();
    }
    let first = mailing.claim(0, 1).await.remove(0);
    let sent = Settlement::Sent { at: at(9), token_expires_at: None };
    assert!(mailing.settle(&first, sent).await);
    let page = async |state, after, limit| {
        let query = MailQuery { state, user: None, after, limit };
        let page = mailing.outbox.list(query).await.unwrap();
        (page.mails.iter().map(|mail| mail.created_at).collect::<Vec<_>>(), page.total)
    };
    let query = MailQuery { state: None, user: None, after: None, limit: 2 };
    let all = mailing.outbox.list(query).await.unwrap();
    assert_eq!((all.mails.len(), all.total), (2, 5));
    let after = Some(all.mails[1].id);
    assert_eq!(page(None, after, 10).await, (vec![at(2), at(1), at(0)], 5));
    assert_eq!(page(Some(MailState::Sent), None, 10).await, (vec![at(0)], 1));
    assert_eq!(page(Some(MailState::Failed), None, 10).await, (vec![], 0));
    let bob = mailing.store.student("bob").await;
    mailing.outbox.enqueue(mail(MailKind::PasswordChanged, 5), Some(bob)).await.unwrap();
    mailing.outbox.enqueue(mail(MailKind::ResetPassword, 6), None).await.unwrap();
    let query = MailQuery { state: None, user: Some(bob), after: None, limit: 2 };
    let of_bob = mailing.outbox.list(query).await.unwrap();
    assert_eq!((of_bob.mails.len(), of_bob.total), (1, 1));
    assert_eq!(of_bob.mails[0].user_id, Some(bob));
    let sent = MailQuery { state: Some(MailState::Sent), ..query };
    assert_eq!(mailing.outbox.list(sent).await.unwrap().total, 0);
    let backlog = mailing.outbox.backlog().await.unwrap();
    assert_eq!((backlog.queued, backlog.oldest), (6, Some(at(1))));
}

/// Only what is over is deleted, and only what is old.
#[apply(row!)]
async fn old_mails_are_deleted(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    let first = mailing.claimed(MailKind::PasswordChanged, ann).await;
    let sent = Settlement::Sent { at: at(1), token_expires_at: None };
    assert!(mailing.settle(&first, sent).await);
    mailing.outbox.enqueue(mail(MailKind::PasswordChanged, 0), Some(ann)).await.unwrap();
    assert_eq!(mailing.outbox.delete_finished(at(0)).await.unwrap(), 0);
    let later = at(0) + Duration::from_secs(1);
    assert_eq!(mailing.outbox.delete_finished(later).await.unwrap(), 1);
    assert_eq!(mailing.states().await.len(), 1);
}
