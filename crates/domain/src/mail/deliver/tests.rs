//! Which mails go, where to, and which wait.

use std::sync::Mutex;

use super::*;
use crate::accounts::{LoginName, Role, Username, UsernameLength};
use crate::common::Locale;
use crate::credentials::CredentialVersion;
use crate::invitations::MockInvitationRepository;
use crate::lockout::MockRateLimiter;
use crate::mail::{MailError, MailId, MockMailer, MockOutbox};
use crate::one_time::{
    MockOneTimeTokenRepository, MockTokenMaker, OneTimeToken, Recovery, TokenHolder, TokenSeed,
};
use crate::testing::{self, USER, at};

/// The ports of the worker, and what it has settled.
struct World {
    outbox: MockOutbox,
    mailer: MockMailer,
    tokens: MockTokenMaker,
    one_time: MockOneTimeTokenRepository,
    invitations: MockInvitationRepository,
    rates: MockRateLimiter,
    settled: Arc<Mutex<Vec<Settlement>>>,
}

fn queued(kind: MailKind) -> QueuedMail {
    QueuedMail {
        id: MailId::try_from(7).unwrap(),
        claims: 1,
        attempts: 0,
        queued_at: at(0),
        user_id: None,
        mail: NewMail {
            kind,
            to: None,
            name: LoginName::parse("mike").ok(),
            locale: Some(Locale::En),
            seed: TokenSeed { random: "5e".repeat(32), key_id: "key".into() },
            client: testing::client(),
            created_at: at(0),
        },
    }
}

fn recipient() -> Recipient {
    let version = CredentialVersion(3);
    Recipient { user: testing::user(), version, recovery: Recovery::default(), reset_after: None }
}

impl World {
    /// One in which this mail is due, and this account (or nobody) has the name.
    fn with(mail: QueuedMail, found: Option<Recipient>) -> Self {
        let mut world = Self {
            outbox: MockOutbox::new(),
            mailer: MockMailer::new(),
            tokens: MockTokenMaker::new(),
            one_time: MockOneTimeTokenRepository::new(),
            invitations: MockInvitationRepository::new(),
            rates: MockRateLimiter::new(),
            settled: Arc::default(),
        };
        world
            .outbox
            .expect_claim()
            .withf(|claim| claim.at == at(10) && claim.until == at(130))
            .return_once(|_| Ok(vec![mail]));
        let settled = world.settled.clone();
        world.outbox.expect_settle().returning(move |_, _, _, settlement| {
            settled.lock().unwrap().push(settlement);
            Ok(true)
        });
        world.one_time.expect_find_recipient().return_once(move |_| Ok(found));
        world
    }

    fn admitted(mut self) -> Self {
        self.rates.expect_reserve().returning(|_, _, _| Ok(Admission::Admitted));
        self
    }

    /// A token can be made, and is live or not.
    fn issuing(mut self, is_live: bool) -> Self {
        let token = OneTimeToken::from_bytes(&[7; 32]);
        let digest = token.digest();
        self.tokens.expect_token().return_once(move |_, _| Some(token));
        self.one_time
            .expect_issue()
            .withf(move |new| {
                let address = new.email == "mike@example.com" && new.expires_at.is_none();
                new.digest == digest && new.user_id == USER && address
            })
            .times(1)
            .return_once(move |_| Ok(is_live));
        self
    }

    fn answering(mut self, answer: Result<(), MailError>) -> Self {
        self.mailer.expect_send().times(1).return_once(move |_| answer);
        self
    }

    async fn run(self) -> Vec<Settlement> {
        let worker = DeliverMails {
            outbox: Arc::new(self.outbox),
            mailer: Arc::new(self.mailer),
            tokens: Arc::new(self.tokens),
            one_time: Arc::new(self.one_time),
            invitations: Arc::new(self.invitations),
            rates: Arc::new(self.rates),
            clock: testing::clock(10),
            settings: MailSettings::new("https://site.example/auth".into()),
            roles: Arc::default(),
        };
        let delivered = worker.execute().await.unwrap();
        let settled = self.settled.lock().unwrap().clone();
        assert_eq!(delivered.len(), settled.len());
        settled
    }
}

fn refused(is_final: bool) -> MailError {
    MailError { is_final, code: "451".into(), text: "later".into() }
}

#[tokio::test]
async fn k6_a_mail_has_the_link_of_the_setting_and_the_same_id_each_time() {
    let mut world = World::with(queued(MailKind::ResetPassword), Some(recipient()));
    world = world.admitted().issuing(true);
    world
        .mailer
        .expect_send()
        .withf(|mail| {
            let link = mail.link.as_ref().unwrap();
            mail.to == "mike@example.com"
                && mail.locale == Locale::En
                && mail.username.as_deref() == Some("Mike")
                && link.page == "https://site.example/auth/account/reset-password"
                && link.lifetime == Duration::from_secs(1800)
                && mail.message_id.starts_with("7.")
                && mail.message_id.ends_with("@site.example")
        })
        .times(1)
        .return_once(|_| Ok(()));
    let sent = Settlement::Sent { at: at(10), token_expires_at: Some(at(1810)) };
    assert_eq!(world.run().await, [sent]);
}

#[tokio::test]
async fn m3_a_refusal_for_good_ends_it_and_any_other_is_tried_again() {
    for (is_final, attempts, queued_at, again) in [
        (false, 0, at(0), true),
        (true, 0, at(0), false),
        (false, 5, at(0), true),
        (false, 9, at(10 - 86_400), false),
    ] {
        let mail = QueuedMail { attempts, queued_at, ..queued(MailKind::ResetPassword) };
        let world = World::with(mail, Some(recipient())).admitted().issuing(true);
        let settled = world.answering(Err(refused(is_final))).run().await;
        match settled.as_slice() {
            [Settlement::Again { due_at, .. }] if again => assert!(*due_at > at(10)),
            [Settlement::Failed { token_expires_at: Some(_), .. }] if !again => {}
            other => panic!("{is_final} {attempts}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn w1_nobody_and_nothing_to_do_leave_nothing() {
    let inactive = Recipient { user: User { is_active: false, ..testing::user() }, ..recipient() };
    let admin = Recipient { user: User { role: Role::ADMIN, ..testing::user() }, ..recipient() };
    for found in [None, Some(inactive), Some(admin)] {
        let world = World::with(queued(MailKind::ResetPassword), found);
        assert_eq!(world.run().await, [Settlement::Dropped]);
    }
    let verified = Recipient { user: User { is_verified: true, ..testing::user() }, ..recipient() };
    let world = World::with(queued(MailKind::VerifyEmail), Some(verified));
    assert_eq!(world.run().await, [Settlement::Dropped]);
}

#[tokio::test]
async fn m10_without_its_key_or_with_a_token_that_is_dead_nothing_is_sent() {
    let mut world = World::with(queued(MailKind::ResetPassword), Some(recipient())).admitted();
    world.tokens.expect_token().return_once(|_, _| None);
    assert_eq!(world.run().await, [Settlement::Dropped]);
    let world = World::with(queued(MailKind::ResetPassword), Some(recipient()));
    assert_eq!(world.admitted().issuing(false).run().await, [Settlement::Dropped]);
}

#[tokio::test]
async fn w5_over_the_limit_a_mail_waits_unless_it_is_the_only_way_in() {
    let limited = |live: u64, has_other: bool| {
        let mut world = World::with(queued(MailKind::ResetPassword), Some(recipient()));
        world.rates.expect_reserve().returning(|key, _, _| {
            Ok(match key {
                RateKey::MailsTo(..) => Admission::Refused { retry_after: Duration::from_secs(99) },
                _ => Admission::Admitted,
            })
        });
        world.one_time.expect_count_live().return_once(move |_, _, _| Ok(live));
        world.outbox.expect_has_other().returning(move |_, _| Ok(has_other));
        world
    };
    let waits = Settlement::Postponed { due_at: at(109) };
    assert_eq!(limited(1, false).run().await, [waits]);
    assert_eq!(limited(1, true).run().await, [Settlement::Dropped], "one that waits is enough");
    let only = limited(0, false).issuing(true).answering(Ok(())).run().await;
    assert!(matches!(only.as_slice(), [Settlement::Sent { .. }]), "{only:?}");
}

#[tokio::test]
async fn m4_what_was_counted_for_nothing_is_taken_back() {
    let mut world = World::with(queued(MailKind::VerifyEmail), Some(recipient()));
    world.rates.expect_reserve().returning(|key, _, _| {
        Ok(match key {
            RateKey::Mails(_) => Admission::Refused { retry_after: Duration::from_secs(5) },
            _ => Admission::Admitted,
        })
    });
    world.rates.expect_release().times(2).returning(|_| Ok(()));
    world.outbox.expect_has_other().returning(|_, _| Ok(false));
    assert_eq!(world.run().await, [Settlement::Postponed { due_at: at(15) }]);
}

#[tokio::test]
async fn m4_a_notice_has_no_ceiling() {
    let notice = QueuedMail { user_id: Some(USER), ..queued(MailKind::PasswordChanged) };
    let mut world = World::with(notice, None);
    world.one_time.expect_find_recipient_by_id().return_once(|_| Ok(Some(recipient())));
    let settled = world.answering(Ok(())).run().await;
    assert_eq!(settled, [Settlement::Sent { at: at(10), token_expires_at: None }]);
}

#[tokio::test]
async fn q4_a_change_is_told_at_the_address_before_with_a_link_while_it_can_be_undone() {
    for is_live in [true, false] {
        let notice = QueuedMail { user_id: Some(USER), ..queued(MailKind::EmailChanged) };
        let to = Some("old@example.com".to_owned());
        let notice = QueuedMail { mail: NewMail { to, ..notice.mail }, ..notice };
        let mut world = World::with(notice, None);
        world.one_time.expect_find_recipient_by_id().return_once(|_| Ok(Some(recipient())));
        world.tokens.expect_token().return_once(|_, _| Some(OneTimeToken::from_bytes(&[7; 32])));
        let holder = TokenHolder {
            user: testing::user(),
            version: CredentialVersion(3),
            is_proved: false,
            email: "old@example.com".into(),
            gives_back: None,
            client: testing::client(),
            created_at: at(0),
            factor_since: None,
            is_oldest: true,
        };
        world
            .one_time
            .expect_find()
            .withf(|_, purpose, _| *purpose == Purpose::UndoEmailChange)
            .return_once(move |_, _, _| Ok(is_live.then_some(holder)));
        world
            .mailer
            .expect_send()
            .withf(move |mail| {
                let page = mail.link.as_ref().map(|link| link.page.ends_with("/undo-email-change"));
                mail.to == "old@example.com" && page == is_live.then_some(true)
            })
            .times(1)
            .return_once(|_| Ok(()));
        let week = is_live.then(|| at(10 + 7 * 86_400));
        assert_eq!(world.run().await, [Settlement::Sent { at: at(10), token_expires_at: week }]);
    }
}

#[tokio::test]
async fn q3_a_link_to_a_new_address_goes_to_the_pending_one_while_there_is_one() {
    let pending =
        User { pending_email: Some(Email::parse("new@example.com").unwrap()), ..testing::user() };
    let mut world = World::with(
        queued(MailKind::ChangeEmail),
        Some(Recipient { user: pending, ..recipient() }),
    );
    world = world.admitted();
    world.tokens.expect_token().return_once(|_, _| Some(OneTimeToken::from_bytes(&[7; 32])));
    world
        .one_time
        .expect_issue()
        .withf(|new| new.email == "new@example.com" && new.version == Some(CredentialVersion(3)))
        .return_once(|_| Ok(true));
    world.mailer.expect_send().withf(|mail| mail.to == "new@example.com").return_once(|_| Ok(()));
    assert!(matches!(world.run().await.as_slice(), [Settlement::Sent { .. }]));
    let withdrawn = World::with(queued(MailKind::ChangeEmail), Some(recipient()));
    assert_eq!(withdrawn.run().await, [Settlement::Dropped]);
}

#[tokio::test]
async fn q4_after_an_undo_a_link_to_a_new_password_waits() {
    let undone = |has_other| {
        let found = Recipient { reset_after: Some(at(99)), ..recipient() };
        let mut world = World::with(queued(MailKind::ResetPassword), Some(found));
        world.outbox.expect_has_other().returning(move |_, _| Ok(has_other));
        world
    };
    assert_eq!(undone(false).run().await, [Settlement::Postponed { due_at: at(99) }]);
    assert_eq!(undone(true).run().await, [Settlement::Dropped]);
    let over = Recipient { reset_after: Some(at(10)), ..recipient() };
    let world = World::with(queued(MailKind::ResetPassword), Some(over)).admitted();
    let settled = world.issuing(true).answering(Ok(())).run().await;
    assert!(matches!(settled.as_slice(), [Settlement::Sent { .. }]));
}

#[test]
fn m6_a_name_that_could_be_a_link_is_left_out() {
    let named = |name: &str| {
        let username = Username::parse(name, UsernameLength::DEFAULT).unwrap();
        shown_name(&User { username, ..testing::user() })
    };
    assert_eq!(named("张三丰").as_deref(), Some("张三丰"));
    for name in ["evil.example", "a/b", "http:x"] {
        assert_eq!(named(name), None, "{name}");
    }
}
