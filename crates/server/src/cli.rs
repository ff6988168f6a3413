//! The command line.

mod filter;
mod tables;
mod users;

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use menjin_domain::common::Timestamp;
use secrecy::SecretString;

pub(crate) use filter::FilterArgs;
pub(crate) use tables::{
    Also, ExportArgs as ExportUsersArgs, ExportFormat, ImportArgs as ImportUsersArgs, ImportFormat,
    TemplateArgs,
};
pub(crate) use users::{
    BanArgs, CreateArgs as CreateUserArgs, ListArgs as ListUsersArgs, PasswordArgs,
    SetPasswordArgs, SetRoleArgs, ShowArgs as ShowUserArgs, UserArgs, UsersCommand,
};

/// The heading of the options that commands share.
const SETTINGS: &str = "Settings";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "menjin",
    version,
    about = "menjin (门禁): accounts and authentication behind your web application"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// The folder with local.toml (and default.toml and production.toml, if they are to differ from
    /// those in the binary).
    /// Without it, the folder `config`, if there is one.
    #[arg(long, global = true, value_name = "FOLDER", env = "MENJIN_CONFIG", help_heading = SETTINGS)]
    pub(crate) config: Option<PathBuf>,
    /// Whether the folder came by flag, and not from the environment.
    #[arg(skip)]
    pub(crate) config_is_flag: bool,
    /// What to run as.
    #[arg(long, global = true, value_enum, default_value = "development", env = "MENJIN_ENV", help_heading = SETTINGS)]
    pub(crate) env: Environment,
    /// Whether that came by flag, and not from the environment.
    #[arg(skip)]
    pub(crate) env_is_flag: bool,
    /// A setting, such as `--set auth.access_ttl=15m`. May be repeated.
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE", help_heading = SETTINGS)]
    pub(crate) set: Vec<String>,
    /// Short for --set server.host=…
    #[arg(long, global = true, help_heading = SETTINGS)]
    pub(crate) host: Option<String>,
    /// Short for --set server.port=…
    #[arg(long, global = true, help_heading = SETTINGS)]
    pub(crate) port: Option<u16>,
}

impl Cli {
    /// Reads the command line. Ends the process if it makes no sense.
    pub(crate) fn read() -> Self {
        let matches = Self::command().get_matches();
        let is_flag = |name| matches.value_source(name) == Some(ValueSource::CommandLine);
        let (config_is_flag, env_is_flag) = (is_flag("config"), is_flag("env"));
        let read = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        let ignored = read.command.as_ref().map_or(&[][..], Command::ignores);
        if let Some(name) = ignored.iter().find(|name| is_flag(name)) {
            let reason = format!("--{name} has no effect on this command: leave it out");
            Self::command().error(ErrorKind::ArgumentConflict, reason).exit();
        }
        Self { config_is_flag, env_is_flag, ..read }
    }
}

/// What menjin runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Environment {
    /// Starts on its own: secrets are generated.
    Development,
    /// Asks for what production needs.
    Production,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve (the default).
    #[command(after_help = "Example: menjin serve --port 8080")]
    Serve,
    /// Bring the database to this version's schema and say what was done.
    #[command(after_help = "Example: menjin migrate --set database.url=sqlite://data/menjin.db")]
    Migrate,
    /// Move everything from one database to another, empty one: accounts, passwords, sessions, ids.
    ///
    /// All of it or nothing, compared by counts and checksums before it is kept. The source stays as it
    /// is, and takes no changes meanwhile. Stop the servers that use it first: what they write later
    /// is not moved. Tokens go on working where auth.secret stays the same.
    #[command(after_help = "Example: menjin transfer --from sqlite://data/menjin.db --to \
                            postgres://menjin:PASSWORD@127.0.0.1/menjin")]
    Transfer(TransferArgs),
    /// Manage administrators.
    Admin {
        #[command(subcommand)]
        command: AdminCommand,
    },
    /// Manage users. Works while the server runs.
    Users {
        #[command(subcommand)]
        command: UsersCommand,
    },
    /// Invite people.
    Invitations {
        #[command(subcommand)]
        command: InvitationsCommand,
    },
    /// Look at mails, and try them out.
    Mail {
        #[command(subcommand)]
        command: MailCommand,
    },
    /// Manage keys.
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Look at what happened.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Look at the settings.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print what a shell needs to complete commands and options.
    #[command(after_help = "Example: menjin completions bash > \
                            /etc/bash_completion.d/menjin")]
    Completions(CompletionsArgs),
    /// Write the manual pages into a folder, one a command.
    #[command(after_help = "Example: menjin man /usr/local/share/man/man1")]
    Man(ManArgs),
}

impl Command {
    /// The flags that have no effect on it.
    fn ignores(&self) -> &'static [&'static str] {
        match self {
            // The links of `users` and `invitations` lead to where the server listens.
            Self::Serve
            | Self::Users { .. }
            | Self::Invitations { .. }
            | Self::Config { command: ConfigCommand::Check } => &[],
            Self::Migrate
            | Self::Transfer(_)
            | Self::Admin { .. }
            | Self::Audit { .. }
            | Self::Mail { .. } => &["host", "port"],
            // With the same environment as the server, `keys` does no harm and is what scripts do.
            Self::Config { command: ConfigCommand::Defaults }
            | Self::Keys { .. }
            | Self::Completions(_)
            | Self::Man(_) => &["host", "port", "set", "config"],
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The folder, which is made if it is not there.
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct TransferArgs {
    /// The database to read, such as `sqlite://data/menjin.db`.
    #[arg(long, value_name = "URL", env = "MENJIN_TRANSFER_FROM", hide_env_values = true)]
    pub(crate) from: SecretString,
    /// The database to fill, such as `postgres://USER:PASSWORD@HOST/DATABASE`. Made or migrated if need
    /// be.
    #[arg(long, value_name = "URL", env = "MENJIN_TRANSFER_TO", hide_env_values = true)]
    pub(crate) to: SecretString,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Make an administrator. Works while the server runs.
    #[command(after_help = "Example: menjin admin create --username root --email root@example.com")]
    Create(CreateAdminArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CreateAdminArgs {
    /// The user name.
    #[arg(long)]
    pub(crate) username: String,
    /// The e-mail address.
    #[arg(long)]
    pub(crate) email: String,
    /// Read the password from standard input, its first line, instead of asking for it twice.
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Succeed without a change if there is an administrator of this name already. Without this the
    /// exit code is 3 then.
    #[arg(long)]
    pub(crate) if_absent: bool,
    /// Make the database if it is not there: the SQLite file, or the tables in PostgreSQL. Without this
    /// that is an error: the server's database is probably elsewhere.
    #[arg(long)]
    pub(crate) new_database: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum InvitationsCommand {
    /// Invite somebody by an e-mail address, or many by a code, and print the link. A running server
    /// sends it if it sends mails.
    #[command(after_help = "Examples:\n  menjin invitations create --role teacher --email \
                            ann@example.com\n  menjin invitations create --role student --max-uses 30 \
                            --expires-in 14d")]
    Create(CreateInvitationArgs),
    /// List invitations, the newest first.
    #[command(after_help = "Example: menjin invitations list --json")]
    List(ListInvitationsArgs),
    /// Revoke an invitation. Accounts that were made by it stay.
    #[command(after_help = "Example: menjin invitations revoke 42")]
    Revoke(RevokeInvitationArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CreateInvitationArgs {
    /// The role of whoever accepts it: student, teacher or admin.
    #[arg(long)]
    pub(crate) role: String,
    /// Who is invited. Without an address, whoever has the code is.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<String>,
    /// How many may accept it. [default: 1]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) max_uses: Option<u32>,
    /// For how long the link works, such as 14d or 72h. By default a week, or 72h for a role with
    /// rights.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) expires_in: Option<std::time::Duration>,
    /// A JSON object, as `POST /api/v1/invitations` answers.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListInvitationsArgs {
    /// How many at most.
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
    /// A JSON object a line, as `GET /api/v1/invitations` has them.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeInvitationArgs {
    /// The id of the invitation.
    pub(crate) id: i64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MailCommand {
    /// Send a trial mail, and say what the mail server answers.
    #[command(after_help = "Example: menjin mail test --to root@example.com")]
    Test(TestMailArgs),
    /// List mails, the newest first.
    #[command(after_help = "Example: menjin mail list --state failed")]
    List(ListMailsArgs),
    /// Send a mail again that was given up. A running server does it.
    #[command(after_help = "Example: menjin mail retry 42")]
    Retry(RetryMailArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TestMailArgs {
    /// Whom to send it to.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) to: String,
}

#[derive(Debug, Args)]
pub(crate) struct ListMailsArgs {
    /// Only those in this state.
    #[arg(long, value_enum)]
    pub(crate) state: Option<MailStateName>,
    /// How many at most.
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
    /// A JSON object a line, as `GET /api/v1/mails` has them.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How far a mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MailStateName {
    /// It is to be sent.
    Queued,
    /// The mail server has taken it.
    Sent,
    /// It was given up.
    Failed,
}

#[derive(Debug, Args)]
pub(crate) struct RetryMailArgs {
    /// The id of the mail.
    pub(crate) id: i64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key for `auth.access_key`, as PEM (PKCS#8).
    #[command(after_help = "Example: menjin keys generate --out access.pem")]
    Generate(GenerateKeyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct GenerateKeyArgs {
    /// What tokens are to be signed with.
    #[arg(long, value_enum, default_value = "eddsa")]
    pub(crate) algorithm: KeyAlgorithm,
    /// A file to make, which only its owner can read; one that is there is not replaced. Without it
    /// the key is printed.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// The algorithms that others can verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyAlgorithm {
    /// `EdDSA` with Ed25519: short and fast.
    #[value(name = "eddsa")]
    EdDsa,
    /// ES256: ECDSA with P-256, which older libraries know.
    #[value(name = "es256")]
    Es256,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Write records to standard output, a JSON object a line, the oldest first. Works while the
    /// server runs; what happened in the last few seconds may still be missing.
    #[command(after_help = "Example: menjin audit export --since 2026-01-31 > audit.ndjson")]
    Export(ExportArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Only what happened then or later, such as 2026-01-31T08:00:00Z, or 2026-01-31 for the beginning
    /// of that day in UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Only what happened before then. A day is its beginning: that day itself is left out.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
}

/// A time, or a day, which stands for its beginning in UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    let day = format!("{text}T00:00:00Z");
    let parsed = text.parse::<Timestamp>().or_else(|_no_time| day.parse());
    parsed.map_err(|_no_day| {
        "write it as 2026-01-31T08:00:00Z, with +08:00 for another zone, or as 2026-01-31 for the \
         beginning of that day in UTC"
            .to_owned()
    })
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the settings that hold, secrets masked, and where those that differ from the default were
    /// written; complain about those that make no sense.
    #[command(after_help = "Example: menjin --env production config check")]
    Check,
    /// Print the file with every setting, its default and what it does; with `--env production`, the
    /// file with what production changes.
    #[command(after_help = "Example: menjin config defaults > config/default.toml")]
    Defaults,
}
