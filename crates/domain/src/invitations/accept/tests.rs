//! Who is let in by an invitation, and what is counted.

use mockall::predicate::eq;

use super::*;
use crate::accounts::{Role, UsernameLength};
use crate::credentials::{MockPasswordHasher, MockPasswordPolicy, PasswordLength};
use crate::invitations::{InvitationId, Inviter, MockInvitationRepository};
use crate::lockout::{MockRateLimiter, RegistrationLimit};
use crate::testing::{self, SESSION, Trail, USER, at};

fn invitation(email: Option<&str>, role: Role) -> Invitation {
    Invitation {
        id: InvitationId::try_from(7).unwrap(),
        email: email.map(|email| Email::parse(email).unwrap()),
        role,
        uses: 0,
        max_uses: 1,
        lifetime: Duration::from_secs(60),
        created_by: None,
        inviter: Some(Inviter { is_active: true, banned_until: None, role: Role::ADMIN }),
        created_at: at(0),
        expires_at: at(60),
        revoked_at: None,
    }
}

const NEW: Option<&str> = Some("new@example.com");

struct World {
    invitations: MockInvitationRepository,
    hasher: MockPasswordHasher,
    policy: MockPasswordPolicy,
    rates: MockRateLimiter,
    /// Those that fail.
    registrations: MockRateLimiter,
    post: Post,
    mode: RegistrationMode,
    token: OneTimeToken,
}

impl World {
    /// One in which this is the invitation of the token.
    fn with(found: Option<Invitation>) -> Self {
        let mut invitations = MockInvitationRepository::new();
        invitations.expect_find_by_token().return_once(move |_| Ok(found));
        Self {
            invitations,
            hasher: MockPasswordHasher::new(),
            policy: MockPasswordPolicy::new(),
            rates: MockRateLimiter::new(),
            registrations: MockRateLimiter::new(),
            post: testing::post(9),
            mode: RegistrationMode::Invite,
            token: OneTimeToken::from_bytes(&[7; 32]),
        }
    }

    fn hashing(mut self) -> Self {
        self.policy.expect_check().return_once(|_, _, _| Ok(()));
        self.hasher.expect_hash().times(1).return_once(|_| Ok(testing::hash()));
        self.registrations.expect_reserve().return_once(|_, _, _| Ok(Admission::Admitted));
        self.registrations.expect_release().returning(|_| Ok(()));
        self
    }

    fn build(self) -> (AcceptInvitation, Arc<Trail>, OneTimeToken) {
        let trail = Arc::new(Trail::default());
        let use_case = AcceptInvitation {
            invitations: Arc::new(self.invitations),
            hasher: Arc::new(self.hasher),
            policy: Arc::new(self.policy),
            guard: RegistrationGuard {
                rates: Arc::new(self.registrations),
                trail: trail.clone(),
                clock: testing::clock(9),
                limit: Some(RegistrationLimit::DEFAULT),
            },
            rates: Arc::new(self.rates),
            trail: trail.clone(),
            post: self.post,
            clock: testing::clock(9),
            reserved_names: Arc::from(["root".to_owned()]),
            mode: self.mode,
            roles: Arc::default(),
        };
        (use_case, trail, self.token)
    }

    async fn accept(
        self,
        name: &str,
        email: Option<&str>,
    ) -> (Result<User, Error<AcceptInvitationError>>, Arc<Trail>) {
        let (use_case, trail, token) = self.build();
        let input = AcceptInvitationInput {
            token,
            username: Username::parse(name, UsernameLength::DEFAULT).unwrap(),
            password: NewPassword::parse("password123", PasswordLength::DEFAULT).unwrap(),
            email: email.map(|email| Email::parse(email).unwrap()),
            profile: Profile::default(),
            locale: None,
            request: testing::request(),
        };
        (use_case.execute(input).await, trail)
    }

    async fn accept_as(self, caller: &Principal) -> Result<User, Error<AcceptInvitationError>> {
        let (use_case, _, token) = self.build();
        use_case.execute_as(caller, &token, testing::request()).await
    }
}

#[expect(clippy::needless_pass_by_value, reason = "each result is looked at once")]
fn is(result: Result<User, Error<AcceptInvitationError>>, expected: AcceptInvitationError) -> bool {
    matches!(&result, Err(Error::Refused(error)) if *error == expected)
}

#[tokio::test]
async fn n2_whoever_accepts_has_the_address_of_the_invitation_and_it_is_proved() {
    let mut world = World::with(Some(invitation(NEW, Role::ADMIN))).hashing();
    world
        .invitations
        .expect_accept()
        .withf(|acceptance| {
            let user = &acceptance.user;
            user.email.as_str() == "new@example.com"
                && user.is_verified
                && user.mail.is_none()
                && user.role == Role::ADMIN
                && acceptance.digest == OneTimeToken::from_bytes(&[7; 32]).digest()
        })
        .times(1)
        .return_once(|_| Ok(testing::user()));
    let (user, trail) = world.accept("ann", None).await;
    assert_eq!(user.unwrap(), testing::user());
    trail.has([]);
    let another = World::with(Some(invitation(NEW, Role::ADMIN)));
    let (refused, _) = another.accept("ann", Some("ann@example.com")).await;
    assert!(is(refused, AcceptInvitationError::AnotherEmail));
}

/// Without mails the link came by hand, and whoever has it need not have the mailbox.
#[tokio::test]
async fn n2_without_mails_an_invitation_proves_no_address() {
    let mut world = World::with(Some(invitation(NEW, Role::STUDENT))).hashing();
    world.post = Post::none(testing::clock(9));
    let accepted = world.invitations.expect_accept();
    accepted.withf(|new| !new.user.is_verified).return_once(|_| Ok(testing::user()));
    world.accept("ann", None).await.0.unwrap();
}

#[tokio::test]
async fn n3_an_account_by_a_code_needs_an_address_and_has_to_prove_it() {
    let class = || World::with(Some(invitation(None, Role::STUDENT)));
    let (missing, _) = class().accept("ann", None).await;
    assert!(is(missing, AcceptInvitationError::EmailMissing));
    let mut world = class().hashing();
    world
        .invitations
        .expect_accept()
        .withf(|acceptance| {
            let mail = acceptance.user.mail.as_ref().map(|mail| mail.kind);
            !acceptance.user.is_verified && mail == Some(MailKind::VerifyEmail)
        })
        .return_once(|_| Ok(testing::user()));
    world.accept("ann", NEW).await.0.unwrap();
}

#[tokio::test]
async fn n2_an_address_that_an_account_has_is_told_apart_from_one_that_was_typed() {
    let taken = |email: Option<&str>| {
        let mut world = World::with(Some(invitation(email, Role::STUDENT))).hashing();
        let taken = AcceptError::Taken(CreateUserError::EmailTaken);
        world.invitations.expect_accept().return_once(move |_| Err(Error::Refused(taken)));
        world
    };
    let (exists, _) = taken(NEW).accept("ann", None).await;
    assert!(is(exists, AcceptInvitationError::AccountExists));
    let (typed, trail) = taken(None).accept("ann", NEW).await;
    assert!(is(typed, AcceptInvitationError::Taken(CreateUserError::EmailTaken)));
    trail.has([(AuditAction::RegistrationFailed, AuditReason::EmailTaken)]);
}

#[tokio::test]
async fn n2_what_is_over_or_unknown_is_refused_alike_and_recorded() {
    let over = Invitation { expires_at: at(9), ..invitation(NEW, Role::STUDENT) };
    for found in [None, Some(over)] {
        let (refused, trail) = World::with(found).accept("ann", None).await;
        assert!(is(refused, AcceptInvitationError::TokenInvalid(TokenInvalid)));
        trail.has([(AuditAction::InvitationFailed, AuditReason::InvalidToken)]);
    }
}

#[tokio::test]
async fn n5_nothing_is_looked_at_where_nobody_registers() {
    let mut world = World::with(None);
    world.invitations = MockInvitationRepository::new();
    world.mode = RegistrationMode::Closed;
    let (refused, _) = world.accept("ann", None).await;
    assert!(is(refused, AcceptInvitationError::Closed));
}

#[tokio::test]
async fn i4_a_reserved_name_and_a_weak_password_leave_the_invitation_as_it_is() {
    let (reserved, _) =
        World::with(Some(invitation(NEW, Role::STUDENT))).accept("ROOT", None).await;
    assert!(is(reserved, AcceptInvitationError::UsernameReserved));
    let mut weak = World::with(Some(invitation(NEW, Role::STUDENT)));
    weak.policy.expect_check().return_once(|_, _, _| Err(PolicyViolation::TooCommon));
    let (refused, _) = weak.accept("ann", None).await;
    assert!(is(refused, AcceptInvitationError::Policy(PolicyViolation::TooCommon)));
}

#[tokio::test]
async fn n3_wrong_codes_are_counted_and_right_ones_are_not() {
    let key = RateKey::WrongInvitation(testing::request().network());
    let with_code = |found, admission, released| {
        let mut world = World::with(found);
        world.token = OneTimeToken::code(42);
        world
            .rates
            .expect_reserve()
            .with(eq(key), eq(WRONG_CODES), eq(at(9)))
            .times(1)
            .return_once(move |_, _, _| Ok(admission));
        world.rates.expect_release().with(eq(key)).times(released).returning(|_| Ok(()));
        world
    };
    let (wrong, _) = with_code(None, Admission::Admitted, 0).accept("ann", None).await;
    assert!(is(wrong, AcceptInvitationError::TokenInvalid(TokenInvalid)));
    let class = Some(invitation(None, Role::STUDENT));
    let (right, _) = with_code(class, Admission::Admitted, 1).accept("ann", None).await;
    assert!(is(right, AcceptInvitationError::EmailMissing));
    let retry_after = Duration::from_secs(60);
    let refused = Admission::Refused { retry_after };
    let mut limited = with_code(None, refused, 0);
    limited.invitations = MockInvitationRepository::new();
    let (refused, trail) = limited.accept("ann", None).await;
    assert!(is(refused, AcceptInvitationError::TooManyAttempts(TooManyAttempts { retry_after })));
    trail.has([(AuditAction::InvitationFailed, AuditReason::NetworkLimit)]);
}

#[tokio::test]
async fn n2_the_callers_account_takes_the_role() {
    let mut world = World::with(Some(invitation(Some("MIKE@example.com"), Role::ADMIN)));
    world
        .invitations
        .expect_take_role()
        .withf(|acceptance| {
            acceptance.user_id == USER
                && (acceptance.from, acceptance.to) == (Role::STUDENT, Role::ADMIN)
                && acceptance.proves_email
                && acceptance.keep_session == SESSION
                && acceptance.context.at == at(9)
        })
        .times(1)
        .return_once(|_| Ok(testing::user()));
    world.accept_as(&testing::principal()).await.unwrap();
}

#[tokio::test]
async fn n2_an_invitation_for_another_or_to_less_changes_nothing() {
    let another = World::with(Some(invitation(NEW, Role::TEACHER)));
    let refused = another.accept_as(&testing::principal()).await;
    assert!(is(refused, AcceptInvitationError::ForAnother));
    let less = World::with(Some(invitation(None, Role::TEACHER)));
    let refused = less.accept_as(&testing::admin()).await;
    assert!(is(refused, AcceptInvitationError::FewerRights));
    // A role that the caller has is no use of the invitation.
    let same = World::with(Some(invitation(None, Role::STUDENT)));
    assert_eq!(same.accept_as(&testing::principal()).await.unwrap(), testing::user());
}
