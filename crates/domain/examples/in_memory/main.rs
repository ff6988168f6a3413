//! Embeds menjin's domain alone: the use-cases run on ports written here, without a web framework,
//! a database or a token library.
//!
//! `store.rs` and `audit.rs` are a store to copy from, `toys.rs` the rest of the ports. `main` tells the life of
//! some accounts, a line a step, and fails at the first step that does not go as it says:
//!
//! ```sh
//! cargo run -p menjin-domain --example in_memory
//! ```
#![expect(clippy::print_stdout, reason = "showing what happens is what an example is for")]

mod audit;
mod store;
mod toys;

use std::error::Error;
use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use menjin_domain::access::{AdminGuard, Principal};
use menjin_domain::accounts::{
    ActivateUser, CreateAdmin, CreateAdminInput, DeactivateUser, DeactivateUserError, Email,
    ListUsers, ListUsersError, LoginName, Profile, Register, RegisterError, RegisterInput,
    RegistrableRole, RegistrationLimit, User, UserQuery, Username, UsernameLength,
};
use menjin_domain::audit::{AuditAction, AuditFilter, ListRecords, ListRecordsInput};
use menjin_domain::common::{ClientInfo, PageStart, Random, RequestContext, UserId};
use menjin_domain::credentials::{
    CandidatePassword, ChangePassword, ChangePasswordInput, NewPassword, PasswordHasher,
    PasswordLength, PasswordPolicy,
};
use menjin_domain::lockout::{AttemptGuard, LoginLimits, RateLimiter};
use menjin_domain::sessions::{
    Authenticate, AuthenticateError, LoggedIn, Login, LoginError, LoginInput, Logout, Refresh,
    RefreshError, TokenIssuer, TokenPair,
};
use secrecy::ExposeSecret;

use crate::store::Store;
use crate::toys::{ForwardClock, OpaqueTokens, Rates, ToyEntropy, ToyHasher, ToyPolicy};

type Outcome<T> = Result<T, Box<dyn Error>>;

// Addresses that RFC 5737 keeps for documentation.
const LAPTOP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const PHONE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));

const FIRST_PASSWORD: &str = "a door with two locks";
const SECOND_PASSWORD: &str = "a gate with three keepers";
const ADMIN_PASSWORD: &str = "the keeper of the keys";

/// The use-cases that this program needs; a server holds its own the same way.
struct Menjin {
    register: Register,
    login: Login,
    authenticate: Authenticate,
    refresh: Refresh,
    change_password: ChangePassword,
    logout: Logout,
    create_admin: CreateAdmin,
    list_users: ListUsers,
    deactivate_user: DeactivateUser,
    activate_user: ActivateUser,
    list_records: ListRecords,
    clock: Arc<ForwardClock>,
}

impl Menjin {
    /// The one place where use-cases meet adapters: to put menjin on a database, change it here.
    fn new() -> Self {
        let clock = Arc::new(ForwardClock::default());
        // One store behind five ports, so that its lock spans what they have in common.
        let store = Arc::new(Store::default());
        let random: Arc<dyn Random> = Arc::new(ToyEntropy);
        let codec = Arc::new(OpaqueTokens::new(random.clone()));
        let hasher: Arc<dyn PasswordHasher> =
            Arc::new(ToyHasher { random: random.clone(), rounds: 20_000 });
        let policy: Arc<dyn PasswordPolicy> = Arc::new(ToyPolicy);
        let rates: Arc<dyn RateLimiter> = Arc::new(Rates::default());
        // One guard as well: a password tried when changing it counts as one tried at log-in.
        let attempts = Arc::new(AttemptGuard {
            lockouts: store.clone(),
            rates: rates.clone(),
            clock: clock.clone(),
            trail: store.clone(),
            limits: Some(LoginLimits::DEFAULT),
        });
        let admins = Arc::new(AdminGuard { trail: store.clone(), clock: clock.clone() });
        let tokens = Arc::new(TokenIssuer {
            codec: codec.clone(),
            random: random.clone(),
            access_ttl: Duration::from_secs(30 * 60),
        });
        Self {
            register: Register {
                users: store.clone(),
                hasher: hasher.clone(),
                policy: Some(policy.clone()),
                rates,
                trail: store.clone(),
                clock: clock.clone(),
                limit: Some(RegistrationLimit::DEFAULT),
            },
            login: Login {
                users: store.clone(),
                sessions: store.clone(),
                hasher: hasher.clone(),
                attempts: attempts.clone(),
                tokens: tokens.clone(),
                random,
                clock: clock.clone(),
                session_ttl: Duration::from_secs(7 * 24 * 60 * 60),
            },
            authenticate: Authenticate {
                codec: codec.clone(),
                sessions: store.clone(),
                clock: clock.clone(),
            },
            refresh: Refresh {
                codec,
                sessions: store.clone(),
                tokens,
                trail: store.clone(),
                clock: clock.clone(),
                grace: Refresh::GRACE,
                recorded: true,
            },
            change_password: ChangePassword {
                users: store.clone(),
                hasher: hasher.clone(),
                policy: policy.clone(),
                attempts,
                trail: store.clone(),
                clock: clock.clone(),
            },
            logout: Logout { sessions: store.clone(), clock: clock.clone() },
            create_admin: CreateAdmin {
                users: store.clone(),
                hasher,
                policy,
                clock: clock.clone(),
            },
            list_users: ListUsers { users: store.clone(), admins: admins.clone() },
            deactivate_user: DeactivateUser { users: store.clone(), admins: admins.clone() },
            activate_user: ActivateUser { users: store.clone(), admins: admins.clone() },
            list_records: ListRecords { records: store, admins },
            clock,
        }
    }

    async fn register(&self, name: &str, email: &str) -> Outcome<Result<User, RegisterError>> {
        let input = RegisterInput {
            username: Username::parse(name, UsernameLength::DEFAULT)?,
            email: Email::parse(email)?,
            password: NewPassword::parse(FIRST_PASSWORD, PasswordLength::DEFAULT)?,
            role: RegistrableRole::STUDENT,
            profile: Profile::default(),
            request: from(LAPTOP),
        };
        Ok(self.register.execute(input).await)
    }

    async fn login(
        &self,
        name: &str,
        password: &str,
        address: IpAddr,
    ) -> Outcome<Result<LoggedIn, LoginError>> {
        let input = LoginInput {
            name: LoginName::parse(name)?,
            password: CandidatePassword::parse(password)?,
            request: from(address),
        };
        Ok(self.login.execute(input).await)
    }

    async fn caller(&self, tokens: &TokenPair) -> Result<Principal, AuthenticateError> {
        self.authenticate.execute(tokens.access_token.expose_secret()).await
    }

    async fn refresh(&self, tokens: &TokenPair) -> Result<TokenPair, RefreshError> {
        self.refresh.execute(tokens.refresh_token.expose_secret(), from(LAPTOP)).await
    }
}

/// A server would add the id of the request.
fn from(address: IpAddr) -> RequestContext {
    ClientInfo::at(address).with_user_agent(Some("example")).into()
}

/// Prints a step that went as said; any other is an error that tells how it went instead.
fn step<T: Debug>(said: &str, outcome: &T, as_said: impl FnOnce(&T) -> bool) -> Outcome<()> {
    if !as_said(outcome) {
        return Err(format!("not so: {said}; instead: {outcome:?}").into());
    }
    println!("{said}");
    Ok(())
}

/// No answer tells what is wrong with a token.
fn is_dead(caller: &Result<Principal, AuthenticateError>) -> bool {
    matches!(caller, Err(AuthenticateError::InvalidToken(_)))
}

fn is_refused(login: &Result<LoggedIn, LoginError>) -> bool {
    matches!(login, Err(LoginError::InvalidCredentials))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let menjin = Menjin::new();
    let ann = registers(&menjin).await?;
    rotates(&menjin).await?;
    changes_password(&menjin).await?;
    is_administered(&menjin, ann).await?;
    is_throttled(&menjin).await
}

async fn registers(menjin: &Menjin) -> Outcome<UserId> {
    let ann = menjin.register("Ann", "ann@example.com").await??;
    step("Ann registers and is the first user", &ann, |user| {
        user.id == UserId::FIRST && user.is_active && !user.is_verified
    })?;
    step(
        "nobody else can be `ＡＮＮ`: names are compared without regard to case and width",
        &menjin.register("ＡＮＮ", "other@example.com").await?,
        |result| matches!(result, Err(RegisterError::UsernameTaken)),
    )?;
    let login = menjin.login("ann", SECOND_PASSWORD, LAPTOP).await?;
    step("a wrong password does not log Ann in", &login, is_refused)?;
    let login = menjin.login("ann", FIRST_PASSWORD, LAPTOP).await??;
    step("the right one does, and gives tokens for half an hour", &login, |login| {
        login.user.last_login_at.is_some() && login.tokens.expires_in.as_secs() == 30 * 60
    })?;
    let caller = menjin.caller(&login.tokens).await?;
    step("the access token is Ann's, as the store knows her now", &caller, |caller| {
        *caller.user == login.user
    })?;
    step("Ann is no administrator", &caller.require_admin(), Result::is_err)?;
    menjin.logout.execute(&caller, from(LAPTOP)).await?;
    step("after logging out, the token is dead", &menjin.caller(&login.tokens).await, is_dead)?;
    Ok(ann.id)
}

async fn rotates(menjin: &Menjin) -> Outcome<()> {
    let refused = |result: &_| matches!(result, Err(RefreshError::InvalidToken(_)));
    let first = menjin.login("ann", FIRST_PASSWORD, LAPTOP).await??.tokens;
    let session = menjin.caller(&first).await?.session_id;
    let lost = menjin.refresh(&first).await?;
    step(
        "a refresh token buys new tokens of the same session",
        &menjin.caller(&lost).await?,
        |caller| caller.session_id == session,
    )?;
    let newest = menjin.refresh(&first).await;
    step(
        "should that answer get lost, the same token buys another, for some seconds",
        &newest,
        Result::is_ok,
    )?;
    let newest = newest?;
    menjin.clock.forward(Refresh::GRACE);
    step("later, it is taken for stolen and refused", &menjin.refresh(&first).await, refused)?;
    step("that has ended the session: access is over", &menjin.caller(&newest).await, is_dead)?;
    step("and the newest refresh token is dead too", &menjin.refresh(&newest).await, refused)
}

async fn changes_password(menjin: &Menjin) -> Outcome<()> {
    let laptop = menjin.login("ann", FIRST_PASSWORD, LAPTOP).await??.tokens;
    let phone = menjin.login("ANN@example.com", FIRST_PASSWORD, PHONE).await??.tokens;
    step("Ann logs in on her phone, by her address", &menjin.caller(&phone).await, Result::is_ok)?;
    let caller = menjin.caller(&laptop).await?;
    let input = ChangePasswordInput {
        current: CandidatePassword::parse(FIRST_PASSWORD)?,
        new: NewPassword::parse(SECOND_PASSWORD, PasswordLength::DEFAULT)?,
        confirmation: None,
        request: from(LAPTOP),
    };
    let changed = menjin.change_password.execute(&caller, input).await;
    step("she changes her password on her laptop", &changed, Result::is_ok)?;
    step("the session there goes on", &menjin.caller(&laptop).await, Result::is_ok)?;
    step("the one on the phone has ended", &menjin.caller(&phone).await, is_dead)?;
    let login = menjin.login("ann", FIRST_PASSWORD, PHONE).await?;
    step("the old password logs nobody in any more", &login, is_refused)
}

async fn is_administered(menjin: &Menjin, ann: UserId) -> Outcome<()> {
    let laptop = menjin.login("ann", SECOND_PASSWORD, LAPTOP).await??.tokens;
    let input = CreateAdminInput {
        username: Username::parse("root", UsernameLength::DEFAULT)?,
        email: Email::parse("root@example.com")?,
        password: NewPassword::parse(ADMIN_PASSWORD, PasswordLength::DEFAULT)?,
    };
    let root = menjin.create_admin.execute(input).await?;
    step("whoever runs the program makes an administrator", &root, User::is_superuser)?;
    let root = menjin.login("root", ADMIN_PASSWORD, LAPTOP).await??.tokens;
    let root = menjin.caller(&root).await?;

    let all = UserQuery { start: PageStart::Skip(0), limit: 10, role: None };
    let caller = menjin.caller(&laptop).await?;
    let page = menjin.list_users.execute(&caller, all, from(LAPTOP)).await;
    step("Ann may not list the users", &page, |page| {
        matches!(page, Err(ListUsersError::Forbidden(_)))
    })?;
    let page = menjin.list_users.execute(&root, all, from(LAPTOP)).await?;
    step("the administrator may: they are Ann and root", &page, |page| {
        page.total == 2 && page.users.iter().map(|user| user.username.as_str()).eq(["Ann", "root"])
    })?;

    let user = menjin.deactivate_user.execute(&root, ann, from(LAPTOP)).await?;
    step("the administrator deactivates Ann", &user, |user| user.id == ann && !user.is_active)?;
    step("her tokens are dead at once", &menjin.caller(&laptop).await, is_dead)?;
    let login = menjin.login("ann", SECOND_PASSWORD, LAPTOP).await?;
    step("she cannot log in: the answer is that to a wrong password", &login, is_refused)?;
    let user = menjin.deactivate_user.execute(&root, root.user.id, from(LAPTOP)).await;
    step("the last administrator stays, even if they would go", &user, |user| {
        matches!(user, Err(DeactivateUserError::LastAdmin))
    })?;
    menjin.activate_user.execute(&root, ann, from(LAPTOP)).await?;
    let login = menjin.login("ann", SECOND_PASSWORD, LAPTOP).await?;
    step("activated again, Ann logs in", &login, Result::is_ok)?;

    let filter = AuditFilter { user: Some(ann), ..AuditFilter::default() };
    let input = ListRecordsInput { filter, before: None, limit: 4 };
    let page = menjin.list_records.execute(&root, input, from(LAPTOP)).await?;
    step("all of it is on record, the newest first", &page, |page| {
        let actions = page.records.iter().map(|record| record.event.action);
        actions.eq([
            AuditAction::LoggedIn,
            AuditAction::Activated,
            AuditAction::LoginFailed,
            AuditAction::Deactivated,
        ])
    })
}

async fn is_throttled(menjin: &Menjin) -> Outcome<()> {
    let throttled = |login: &Result<_, _>| matches!(login, Err(LoginError::TooManyAttempts(_)));
    let limit = LoginLimits::DEFAULT.attempts.per_client;
    for n in 1..=limit.max {
        let login = menjin.login("ann", &format!("guess {n}"), STRANGER).await?;
        step(&format!("a stranger's guess {n} is wrong"), &login, is_refused)?;
    }
    let login = menjin.login("ann", SECOND_PASSWORD, STRANGER).await?;
    step("now even the right password is refused to the stranger", &login, throttled)?;
    let login = menjin.login("ann", SECOND_PASSWORD, LAPTOP).await?;
    step("Ann, from another network, is not locked out", &login, Result::is_ok)?;
    let login = menjin.login("ann", SECOND_PASSWORD, STRANGER).await?;
    step("which does not clear the stranger's own count", &login, throttled)?;
    menjin.clock.forward(limit.window);
    let login = menjin.login("ann", "guess again", STRANGER).await?;
    step("a quarter of an hour later, the stranger may guess again", &login, is_refused)
}
