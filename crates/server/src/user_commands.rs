//! `menjin users …`: the use-cases of administrators for the owner of the machine, who may do
//! everything. They work while the server runs.

use std::io::{self, Write as _};

use anyhow::{Context as _, anyhow, bail};
use menjin_api::{CreatedUserResponse, UserResponse};
use menjin_domain::accounts::{
    AccountChange, Authority, Ban, BanReason, ChangeUserError, CreateUser, CreateUserError,
    CreateUserInput, CreateUserRefusal, Email, FullName, LastAdmin, ManageUserError, OnlyByName,
    Phone, Profile, User, UserOrder, UserPosition, UserSearch, Username, UsernameLength,
};
use menjin_domain::audit::AuditContext;
use menjin_domain::common::{Clock as _, Error, RequestContext, Timestamp, rfc3339};
use menjin_domain::credentials::{NewPassword, PasswordChoice, SetPassword, SetPasswordError};
use menjin_infra_memory::SystemClock;
use unicode_width::UnicodeWidthStr as _;

use crate::cli::{
    BanArgs, CreateUserArgs, ListUsersArgs, SetPasswordArgs, SetRoleArgs, ShowUserArgs, UserArgs,
    UsersCommand,
};
use crate::mail;
use crate::mail_commands::reset_link;
use crate::office::Office;
use crate::settings::Settings;
use crate::{user_export, user_import};

/// How many users are asked for at once.
const PAGE: u64 = 1000;

/// Nobody could administer any more.
const LAST_ADMIN: ManageUserError = ManageUserError::Refused(ChangeUserError::LastAdmin(LastAdmin));

impl Office {
    /// Makes a change, and says what has become of the user.
    async fn change(&self, name: &str, change: AccountChange) -> anyhow::Result<()> {
        let user = self.user(name).await?;
        let authority = Authority::of_machine(SystemClock.now());
        let changed = self.change.change(user.id, change, authority).await;
        Self::told(changed)
    }

    fn told(changed: Result<User, Error<ManageUserError>>) -> anyhow::Result<()> {
        let user = changed.map_err(|error| {
            let is_last = matches!(&error, Error::Refused(refused) if *refused == LAST_ADMIN);
            let hint = "make another administrator first (menjin admin create)";
            let error = anyhow::Error::from(error);
            if is_last { error.context(hint) } else { error }
        })?;
        writeln!(io::stdout(), "{}: {}", user.username, state(&user))?;
        Ok(())
    }
}

/// Runs a command.
pub(crate) async fn run(settings: &Settings, command: UsersCommand) -> anyhow::Result<()> {
    if let UsersCommand::ResetLink(args) = &command {
        return reset_link(settings, &args.name).await;
    }
    if let UsersCommand::Template(args) = &command {
        return user_import::template(settings, args);
    }
    let office = Office::open(settings).await?;
    let done = of_office(&office, command).await;
    office.close().await;
    done
}

async fn of_office(office: &Office, command: UsersCommand) -> anyhow::Result<()> {
    match command {
        UsersCommand::List(args) => list(office, &args).await,
        UsersCommand::Show(args) => show(office, &args).await,
        UsersCommand::Create(args) => create(office, &args).await,
        UsersCommand::SetPassword(args) => set_password(office, &args).await,
        UsersCommand::SetRole(SetRoleArgs { user, role }) => {
            let role = office.role(&role)?;
            office.change(&user.name, AccountChange::SetRole(role)).await
        }
        UsersCommand::Activate(args) => office.change(&args.name, AccountChange::Activate).await,
        UsersCommand::Deactivate(args) => {
            office.change(&args.name, AccountChange::Deactivate).await
        }
        UsersCommand::Ban(args) => ban(office, &args).await,
        UsersCommand::Unban(args) => office.change(&args.name, AccountChange::LiftBan).await,
        UsersCommand::Unlock(args) => unlock(office, &args).await,
        UsersCommand::RemoveFactor(args) => remove_factor(office, &args.name).await,
        UsersCommand::Delete(args) => {
            let user = office.user(&args.name).await?;
            let authority = Authority::of_machine(SystemClock.now());
            Office::told(office.change.delete_by(user.id, authority).await)
        }
        UsersCommand::Restore(args) => office.change(&args.name, AccountChange::Restore).await,
        UsersCommand::Import(args) => user_import::import(office, &args).await,
        UsersCommand::Export(args) => user_export::export(office, &args).await,
        UsersCommand::ResetLink(_) | UsersCommand::Template(_) => Ok(()),
    }
}

async fn remove_factor(office: &Office, name: &str) -> anyhow::Result<()> {
    let user = office.user(name).await?;
    let authority = Authority::of_machine(SystemClock.now());
    office.remove_factor.by(user.id, authority).await?;
    writeln!(io::stdout(), "{}: logs in with the password alone", user.username)?;
    Ok(())
}

async fn list(office: &Office, args: &ListUsersArgs) -> anyhow::Result<()> {
    let filter = office.filter(&args.filter)?;
    let order = args.sort.as_deref().map(str::parse).transpose();
    let order: Option<UserOrder> =
        order.ok().with_context(|| format!("--sort: one of {}", UserOrder::NAMES.join(", ")))?;
    let order = UserOrder::of(order, &filter)
        .map_err(|OnlyByName| anyhow!("--sort: together with --search, only username"))?;
    let (mut out, mut rows, mut after) = (io::stdout().lock(), Vec::new(), None);
    let mut left = u64::from(args.limit);
    let (total, is_exact) = loop {
        let (filter, limit) = (filter.clone(), left.min(PAGE));
        let search = UserSearch { filter, order, after, limit };
        let page = office.accounts.search(search).await?;
        left -= page.users.len() as u64;
        after = page.users.last().map(|user| UserPosition::of(user, order.sort));
        let is_last = (page.users.len() as u64) < limit || left == 0;
        for user in &page.users {
            if args.json {
                serde_json::to_writer(&mut out, &UserResponse::for_administrators(user))?;
                writeln!(out)?;
            } else {
                rows.push(row(user));
            }
        }
        if is_last {
            break (page.total, page.total_is_exact);
        }
    };
    if !args.json {
        let heads = ["ID", "USER NAME", "ROLE", "STATE", "E-MAIL", "FULL NAME", "LAST LOGIN"];
        let shown = rows.len();
        rows.insert(0, heads.map(str::to_owned));
        write!(out, "{}", table(&rows))?;
        writeln!(out, "{shown} of {total}{}", if is_exact { "" } else { " or more" })?;
    }
    Ok(())
}

/// A user in a table.
fn row(user: &User) -> [String; 7] {
    let full_name = user.profile.full_name.as_ref().map_or("", |name| name.as_str());
    [
        user.id.to_string(),
        user.username.to_string(),
        user.role.to_string(),
        state(user),
        user.email.to_string(),
        full_name.to_owned(),
        user.last_login_at.map_or_else(|| "never".to_owned(), shown_time),
    ]
}

/// To the second.
fn shown_time(at: Timestamp) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Whether somebody may log in, and until when not.
fn state(user: &User) -> String {
    if let Some(deletes_at) = user.deletes_at {
        return format!("deleted at {}", shown_time(deletes_at));
    }
    if !user.is_active {
        return "inactive".to_owned();
    }
    if let Some(until) = user.banned_until(SystemClock.now()) {
        return format!("banned until {}", shown_time(until));
    }
    if user.must_change_password() { "must change the password" } else { "active" }.to_owned()
}

/// Columns that are as wide as what is in them. Chinese characters are two columns wide.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width - cell.width() + 2));
        }
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

async fn show(office: &Office, args: &ShowUserArgs) -> anyhow::Result<()> {
    let user = office.user(&args.user.name).await?;
    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &UserResponse::for_administrators(&user))?;
        writeln!(out)?;
        return Ok(());
    }
    let profile = &user.profile;
    let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let reason = user.ban.as_ref().and_then(|ban| ban.reason.as_ref());
    let verified = if user.is_verified { "verified" } else { "not verified" };
    let rows = [
        ["id", &user.id.to_string()],
        ["user name", user.username.as_str()],
        ["e-mail", &format!("{} ({verified})", user.email)],
        ["full name", &text(profile.full_name.as_ref().map(FullName::as_str))],
        ["role", user.role.as_str()],
        ["state", &state(&user)],
        ["second factor", if user.has_factor { "yes" } else { "no" }],
        ["reason of the ban", &text(reason.map(BanReason::as_str))],
        ["phone", &text(profile.phone.as_ref().map(Phone::as_str))],
        ["made", &rfc3339(user.created_at)],
        ["last login", &user.last_login_at.map_or_else(|| "never".to_owned(), rfc3339)],
    ];
    let rows: Vec<_> = rows.iter().map(|row| row.map(str::to_owned)).collect();
    write!(out, "{}", table(&rows))?;
    Ok(())
}

async fn create(office: &Office, args: &CreateUserArgs) -> anyhow::Result<()> {
    let settings = &office.settings;
    let username =
        Username::parse(&args.username, UsernameLength::DEFAULT).context("--username")?;
    let role = match &args.role {
        Some(role) => office.role(role)?,
        None => settings.registration.default_role(&settings.roles()?)?.into(),
    };
    let full_name = args.full_name.as_deref().map(FullName::parse).transpose();
    let given = office.given(&args.password)?;
    if given.is_none() && args.password.lasting {
        bail!("--lasting: a password that is generated has to be changed (use --password-stdin)");
    }
    let input = CreateUserInput {
        username: username.clone(),
        email: Email::parse(&args.email).context("--email")?,
        role,
        profile: Profile {
            full_name: full_name.context("--full-name")?.flatten(),
            ..Profile::default()
        },
        locale: None,
        password: PasswordChoice { given, good_from: None },
        must_change: !args.password.lasting,
    };
    let use_case =
        CreateUser::standalone(office.accounts.clone(), office.passwords()?, mail::post(settings)?);
    let mut out = io::stdout().lock();
    let (user, generated) = match use_case.execute_locally(input, SystemClock.now()).await {
        Err(Error::Refused(CreateUserRefusal::Taken(CreateUserError::UsernameTaken)))
            if args.if_absent =>
        {
            writeln!(out, "there is a user {username} already")?;
            return Ok(());
        }
        made => made?,
    };
    let password = generated.as_ref().map(NewPassword::expose);
    if args.json {
        serde_json::to_writer(&mut out, &CreatedUserResponse::new(&user, password))?;
        writeln!(out)?;
        return Ok(());
    }
    writeln!(out, "made {} {} with id {}", user.role, user.username, user.id)?;
    if let Some(password) = password {
        writeln!(out, "password: {password}")?;
    }
    if let Some(period) = user.first_password {
        tell_until(&user, period.until);
    }
    Ok(())
}

/// Says until when a password is good that somebody has to change. On standard error, so that standard
/// output has nothing but the password.
fn tell_until(user: &User, until: Timestamp) {
    eprintln!(
        "menjin: {} has to change it at the next login, by {}",
        user.username,
        shown_time(until)
    );
}

async fn set_password(office: &Office, args: &SetPasswordArgs) -> anyhow::Result<()> {
    let user = office.user(&args.user.name).await?;
    let given = office.given(&args.password)?;
    let (passwords, now) = (office.passwords()?, SystemClock.now());
    let first = (!args.password.lasting).then(|| passwords.period(None, now));
    let use_case = SetPassword::standalone(office.change.clone(), passwords);
    let set = use_case.set(user.id, given, first, Authority::of_machine(now)).await;
    let generated = set.map_err(|error| {
        let hint = "with --lasting, the password of the last administrator can be set, too";
        let last = SetPasswordError::Manage(LAST_ADMIN);
        let is_last = matches!(&error, Error::Refused(refused) if *refused == last);
        let error = anyhow::Error::from(error);
        if is_last { error.context(hint) } else { error }
    })?;
    let mut out = io::stdout().lock();
    if let Some(password) = generated {
        writeln!(out, "password: {}", password.expose())?;
    }
    match first {
        Some(period) => tell_until(&user, period.until),
        None => writeln!(out, "{}: the password is set", user.username)?,
    }
    Ok(())
}

async fn ban(office: &Office, args: &BanArgs) -> anyhow::Result<()> {
    let reason = args.reason.as_deref().map(BanReason::parse).transpose().context("--reason")?;
    let ban = Ban::new(args.until, reason.flatten(), SystemClock.now()).context("--until")?;
    office.change(&args.user.name, AccountChange::Ban(ban)).await
}

async fn unlock(office: &Office, args: &UserArgs) -> anyhow::Result<()> {
    let user = office.user(&args.name).await?;
    let context = AuditContext::anonymous(SystemClock.now(), RequestContext::local());
    let was_locked = office.store.lockouts.forget(user.id, context).await?;
    let told = if was_locked { "failed logins are forgotten" } else { "no logins have failed" };
    writeln!(io::stdout(), "{}: {told}", user.username)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a9_columns_are_aligned_also_with_chinese_characters() {
        let rows = [["a", "张三", "x"], ["bob", "b", "y"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "a    张三  x\nbob  b     y\n");
    }
}
