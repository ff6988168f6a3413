//! Embeds menjin's domain alone: the use-cases run on ports written here, without a web framework,
//! a database or a token library.
//!
//! `toys.rs` has the small ports; the other files are a store to copy from, with a file for each of
//! its ports. `main` runs some accounts through their life, prints a line for each step, and fails at
//! the first step whose outcome differs:
//!
//! ```sh
//! cargo run -p menjin-domain --example in_memory
//! ```
#![expect(clippy::print_stdout, reason = "showing what happens is what an example is for")]

mod accounts;
mod audit;
mod credentials;
mod invitations;
mod jobs;
mod lockouts;
mod mails;
mod mfa;
mod one_time;
mod passkeys;
mod rows;
mod sessions;
mod store;
mod toys;

use std::error::Error as StdError;
use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use menjin_domain::access::rights::{AuditRead, Right, UsersRead, UsersWrite};
use menjin_domain::access::{Allowed, Denied, Principal};
use menjin_domain::accounts::LoginName;
use menjin_domain::accounts::{
    ChangeUserError, CreateAdminInput, Email, ManageUserError, Profile, RegisterError,
    RegisterInput, RegistrableRole, User, UserQuery, Username, UsernameLength, VerifyEmailInput,
};
use menjin_domain::audit::{AuditAction, AuditFilter, ListRecordsInput};
use menjin_domain::common::{ClientInfo, Error, PageStart, Random, RequestContext, UserId};
use menjin_domain::credentials::{
    CandidatePassword, ChangePasswordInput, NewPassword, PasswordLength,
};
use menjin_domain::lockout::LoginLimits;
use menjin_domain::mail::{MailKind, MailPorts};
use menjin_domain::ports::{Policy, Ports, RequiredPorts};
use menjin_domain::services::Services;
use menjin_domain::sessions::{InvalidToken, LoggedIn, LoginError, LoginInput, TokenPair};
use secrecy::ExposeSecret;

use crate::store::Store;
use crate::toys::{
    ForwardClock, OpaqueTokens, PrintedMails, Rates, ToyHasher, ToyPolicy, ToyRandom, ToyTokens,
};

type Outcome<T> = Result<T, Box<dyn StdError>>;

// Addresses that RFC 5737 keeps for documentation.
const LAPTOP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const PHONE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));

const FIRST_PASSWORD: &str = "a door with two locks";
const SECOND_PASSWORD: &str = "a gate with three keepers";
const ADMIN_PASSWORD: &str = "the keeper of the keys";

/// All use-cases, the clock that they read, and the mails that they send.
struct Menjin {
    services: Services,
    clock: Arc<ForwardClock>,
    mails: Arc<PrintedMails>,
}

impl Menjin {
    /// The one place where use-cases meet adapters: to put menjin on a database, change it here.
    fn new() -> Outcome<Self> {
        let clock = Arc::new(ForwardClock::default());
        let mails = Arc::new(PrintedMails::default());
        // One store implements eleven ports, so that one lock protects all of its data.
        let store = Arc::new(Store::default());
        let random: Arc<dyn Random> = Arc::new(ToyRandom);
        let tokens = Arc::new(ToyTokens { random: random.clone(), secret: random.uuid()? });
        let mut ports = Ports::new(RequiredPorts {
            accounts: store.clone(),
            credentials: store.clone(),
            sessions: store.clone(),
            lockouts: store.clone(),
            audit_records: store.clone(),
            audit_trail: store.clone(),
            rate_limiter: Arc::new(Rates::default()),
            hasher: Arc::new(ToyHasher { random: random.clone(), rounds: 20_000 }),
            password_policy: Arc::new(ToyPolicy),
            codec: Arc::new(OpaqueTokens::new(random.clone())),
            random,
            clock: clock.clone(),
        });
        // What is optional.
        ports.one_time_tokens = store.clone();
        ports.invitations = store.clone();
        ports.mail = Some(MailPorts { outbox: store, mailer: mails.clone(), tokens });
        Ok(Self { services: Services::new(ports, &Policy::default()), clock, mails })
    }

    /// Proof that this caller has the right.
    fn allow<R: Right>(&self, caller: &Principal) -> Result<Allowed<R>, Denied> {
        self.services.guard.allow(caller, from(LAPTOP))
    }

    async fn register(
        &self,
        name: &str,
        email: &str,
    ) -> Outcome<Result<User, Error<RegisterError>>> {
        let input = RegisterInput {
            username: Username::parse(name, UsernameLength::DEFAULT)?,
            email: Email::parse(email)?,
            password: NewPassword::parse(FIRST_PASSWORD, PasswordLength::DEFAULT)?,
            role: RegistrableRole::STUDENT,
            profile: Profile::default(),
            locale: None,
            apply_policy: true,
            request: from(LAPTOP),
        };
        Ok(self.services.register.execute(input).await)
    }

    async fn login(
        &self,
        name: &str,
        password: &str,
        address: IpAddr,
    ) -> Outcome<Result<LoggedIn, Error<LoginError>>> {
        let input = LoginInput {
            name: LoginName::parse(name)?,
            password: CandidatePassword::parse(password)?,
            code: None,
            request: from(address),
        };
        Ok(self.services.login.execute(input).await)
    }

    async fn caller(&self, tokens: &TokenPair) -> Result<Principal, Error<InvalidToken>> {
        self.services.authenticate.execute(tokens.access_token.expose_secret()).await
    }

    async fn refresh(&self, tokens: &TokenPair) -> Result<TokenPair, Error<InvalidToken>> {
        self.services.refresh.execute(tokens.refresh_token.expose_secret(), from(LAPTOP)).await
    }
}

/// A server would add the id of the request.
fn from(address: IpAddr) -> RequestContext {
    ClientInfo::at(address).with_user_agent(Some("example")).into()
}

/// Prints the step if its outcome is as expected. Otherwise returns an error with the outcome.
fn step<T: Debug>(said: &str, outcome: &T, as_said: impl FnOnce(&T) -> bool) -> Outcome<()> {
    if !as_said(outcome) {
        return Err(format!("not so: {said}; instead: {outcome:?}").into());
    }
    println!("{said}");
    Ok(())
}

/// Whether the token was refused. The answer does not say why.
fn is_dead(caller: &Result<Principal, Error<InvalidToken>>) -> bool {
    matches!(caller, Err(Error::Refused(_)))
}

fn is_refused(login: &Result<LoggedIn, Error<LoginError>>) -> bool {
    matches!(login, Err(Error::Refused(LoginError::InvalidCredentials)))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let menjin = Menjin::new()?;
    let ann = registers(&menjin).await?;
    proves_address(&menjin).await?;
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
        |result| matches!(result, Err(Error::Refused(RegisterError::UsernameTaken))),
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
    step("Ann is no administrator", &menjin.allow::<UsersWrite>(&caller), Result::is_err)?;
    menjin.services.logout.execute(&caller, from(LAPTOP)).await?;
    step("after logging out, the token is dead", &menjin.caller(&login.tokens).await, is_dead)?;
    Ok(ann.id)
}

async fn proves_address(menjin: &Menjin) -> Outcome<()> {
    // A server calls this again and again.
    let deliver_mails = menjin.services.deliver_mails.as_ref().ok_or("there is no mail")?;
    let delivered = deliver_mails.execute().await?;
    step("the mail that asks Ann to prove her address is sent", &delivered, |delivered| {
        delivered.iter().map(|mail| mail.kind).eq([MailKind::VerifyEmail])
    })?;
    let token = menjin.mails.take_token().ok_or("the mail has no link")?;
    let input = VerifyEmailInput { token, current: None, code: None, request: from(LAPTOP) };
    let user = menjin.services.verify_email.execute(input).await?;
    step("she follows the link in it: the address is hers", &user, |user| user.is_verified)
}

async fn rotates(menjin: &Menjin) -> Outcome<()> {
    let refused =
        |result: &Result<TokenPair, Error<InvalidToken>>| matches!(result, Err(Error::Refused(_)));
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
    menjin.clock.forward(Policy::default().refresh_grace);
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
    let changed = menjin.services.change_password.execute(&caller, input).await;
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
    let root = menjin.services.create_admin.execute(input).await?;
    step("whoever runs the program makes an administrator", &root, User::is_superuser)?;
    let root = menjin.login("root", ADMIN_PASSWORD, LAPTOP).await??.tokens;
    let root = menjin.caller(&root).await?;

    let all = UserQuery { start: PageStart::Skip(0), limit: 10, role: None };
    let caller = menjin.caller(&laptop).await?;
    let allowed = menjin.allow::<UsersRead>(&caller);
    step("Ann may not list the users", &allowed, Result::is_err)?;
    let page = menjin.services.list_users.execute(&menjin.allow::<UsersRead>(&root)?, all).await?;
    step("the administrator may: they are Ann and root", &page, |page| {
        page.total == 2 && page.users.iter().map(|user| user.username.as_str()).eq(["Ann", "root"])
    })?;

    let allowed = menjin.allow::<UsersWrite>(&root)?;
    let user = menjin.services.change_user.deactivate(&allowed, ann).await?;
    step("the administrator deactivates Ann", &user, |user| user.id == ann && !user.is_active)?;
    step("her tokens are dead at once", &menjin.caller(&laptop).await, is_dead)?;
    let login = menjin.login("ann", SECOND_PASSWORD, LAPTOP).await?;
    step("she cannot log in: the answer is that to a wrong password", &login, is_refused)?;
    let user = menjin.services.change_user.deactivate(&allowed, root.user.id).await;
    step("the last administrator stays, even if they would go", &user, |user| {
        matches!(user, Err(Error::Refused(ManageUserError::Refused(ChangeUserError::LastAdmin(_)))))
    })?;
    menjin.services.change_user.activate(&menjin.allow(&root)?, ann).await?;
    let login = menjin.login("ann", SECOND_PASSWORD, LAPTOP).await?;
    step("activated again, Ann logs in", &login, Result::is_ok)?;

    let filter = AuditFilter { user: Some(ann), ..AuditFilter::default() };
    let input = ListRecordsInput { filter, before: None, limit: 4 };
    let page =
        menjin.services.list_records.execute(&menjin.allow::<AuditRead>(&root)?, input).await?;
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
    let throttled =
        |login: &Result<_, _>| matches!(login, Err(Error::Refused(LoginError::TooManyAttempts(_))));
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
