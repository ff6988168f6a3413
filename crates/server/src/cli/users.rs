//! `menjin users …`

use clap::{Args, Subcommand};
use menjin_domain::common::Timestamp;

use super::filter::FilterArgs;
use super::tables::{ExportArgs, ImportArgs, TemplateArgs};
use super::time;

#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    /// List users: all, or those that match.
    #[command(
        after_help = "Examples:\n  menjin users list --search zhang --role student\n  menjin \
                            users list --active false --sort=-last_login_at --json"
    )]
    List(ListArgs),
    /// Show a user.
    #[command(after_help = "Example: menjin users show mike --json")]
    Show(ShowArgs),
    /// Make a user. Without --password-stdin a password is generated and printed.
    #[command(after_help = "Examples:\n  menjin users create --username mike --email \
                            mike@example.com\n  menjin users create --username ann --email \
                            ann@example.com --role teacher --if-absent")]
    Create(CreateArgs),
    /// Give a user another password, which has to be changed at the next login. Without
    /// --password-stdin it is generated and printed. All sessions of the user end.
    #[command(after_help = "Example: menjin users set-password mike")]
    SetPassword(SetPasswordArgs),
    /// Print a link to a new password for a user, for whoever has lost it and gets no mail. It works
    /// once, for as long as `mail.reset_ttl` says.
    #[command(after_help = "Example: menjin users reset-link mike")]
    ResetLink(UserArgs),
    /// Give a user another role. All sessions of the user end.
    #[command(after_help = "Example: menjin users set-role mike teacher")]
    SetRole(SetRoleArgs),
    /// Make an account active, which ends a ban and forgets failed logins.
    #[command(after_help = "Example: menjin users activate mike")]
    Activate(UserArgs),
    /// Make an account inactive. All sessions of the user end.
    #[command(after_help = "Example: menjin users deactivate mike")]
    Deactivate(UserArgs),
    /// Keep a user out until a time. All sessions of the user end.
    #[command(after_help = "Example: menjin users ban mike --until 2030-01-31 --reason 打扰课堂")]
    Ban(BanArgs),
    /// End a ban before its time.
    #[command(after_help = "Example: menjin users unban mike")]
    Unban(UserArgs),
    /// Forget the failed logins of a user.
    #[command(after_help = "Example: menjin users unlock mike")]
    Unlock(UserArgs),
    /// Take away the second factor of a user who has lost it, with the recovery codes. All sessions of the
    /// user end. Make sure first that it is the user who asks.
    #[command(after_help = "Example: menjin users remove-factor mike")]
    RemoveFactor(UserArgs),
    /// Delete a user: inactive at once, and gone when `accounts.delete_grace` is over.
    #[command(after_help = "Example: menjin users delete mike")]
    Delete(UserArgs),
    /// Undo a deletion before its time.
    #[command(after_help = "Example: menjin users restore mike")]
    Restore(UserArgs),
    /// Make users out of a CSV, NDJSON or Excel file, and change those that are there already if you say
    /// so. Passwords that are in it, or are generated, have to be changed at the first login; hashes of
    /// other systems (bcrypt, Argon2id, Django's, scrypt) stay their users' own. No mail is sent to new
    /// users. An empty cell says nothing. Columns: username, email, `full_name`, role, password,
    /// `password_hash`, phone, bio, avatar, locale, `is_active`, `is_verified`.
    #[command(
        after_help = "Examples:\n  menjin users import class.xlsx --dry-run\n  menjin users import \
                            class.xlsx --generate-passwords passwords.csv --failed failed.csv\n  menjin \
                            users import django.csv --map password=password_hash"
    )]
    Import(ImportArgs),
    /// Write users to a CSV or NDJSON file: all, or those that match. The file can be imported.
    #[command(
        after_help = "Examples:\n  menjin users export users.csv --role student\n  menjin users \
                            export --format ndjson --with-hashes > users.ndjson"
    )]
    Export(ExportArgs),
    /// Print an empty table to fill in and import, as CSV.
    #[command(after_help = "Example: menjin users template --language zh-CN > users.csv")]
    Template(TemplateArgs),
}

/// Whom a command is about.
#[derive(Debug, Args)]
pub(crate) struct UserArgs {
    /// The user name or e-mail address.
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// The order: id, username, `created_at` or `last_login_at`; `-` turns it round.
    #[arg(long, value_name = "ORDER", allow_hyphen_values = true)]
    pub(crate) sort: Option<String>,
    /// How many at most.
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) limit: u32,
    /// A JSON object a line, as `GET /api/v1/users` has them.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) user: UserArgs,
    /// A JSON object, as `GET /api/v1/users/{user_id}` answers.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// The user name.
    #[arg(long)]
    pub(crate) username: String,
    /// The e-mail address.
    #[arg(long)]
    pub(crate) email: String,
    /// The role. [default: `registration.default_role`]
    #[arg(long)]
    pub(crate) role: Option<String>,
    /// The full name.
    #[arg(long)]
    pub(crate) full_name: Option<String>,
    #[command(flatten)]
    pub(crate) password: PasswordArgs,
    /// Succeed without a change if there is a user of this name already. Without this the exit code is 3
    /// then.
    #[arg(long)]
    pub(crate) if_absent: bool,
    /// A JSON object, as `POST /api/v1/users` answers.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A password for somebody else.
#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// Read the password from standard input, its first line, instead of generating one.
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// The password need not be changed at the next login.
    #[arg(long)]
    pub(crate) lasting: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SetPasswordArgs {
    #[command(flatten)]
    pub(crate) user: UserArgs,
    #[command(flatten)]
    pub(crate) password: PasswordArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SetRoleArgs {
    #[command(flatten)]
    pub(crate) user: UserArgs,
    /// The role.
    pub(crate) role: String,
}

#[derive(Debug, Args)]
pub(crate) struct BanArgs {
    #[command(flatten)]
    pub(crate) user: UserArgs,
    /// When the user may log in again, such as 2030-01-31T08:00:00+08:00, or 2030-01-31 for the beginning
    /// of that day in UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Timestamp,
    /// Why, for other administrators.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}
