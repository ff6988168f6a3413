//! # menjin-server
//!
//! Puts menjin together: it reads the settings, chooses the adapters, builds the use cases, and
//! runs them behind HTTP or a command line. This is the only crate that knows all others.

mod admin;
mod application;
mod audit;
mod banner;
mod cli;
mod environment;
mod invitation_commands;
mod keys;
mod logging;
mod mail;
mod mail_commands;
mod manuals;
mod metrics;
mod office;
mod secret;
mod serve;
pub mod settings;
mod store;
mod tls;
mod transfer;
mod user_commands;
mod user_export;
mod user_import;
mod user_table;

use std::io;
use std::process::ExitCode;

use menjin_infra_postgres::{OpenError, SchemaError};

pub use application::{Application, Missing, StartError, create_admin};
pub use serve::{Running, run};

use banner::Start;
use cli::{
    AdminCommand, AuditCommand, Cli, Command, ConfigCommand, InvitationsCommand, KeysCommand,
    MailCommand,
};
use settings::{Settings, SettingsError};

/// Faster than glibc's allocator for a little more memory (`docs/src/reference/performance.md`),
/// and the same wherever menjin runs: the allocators of other systems are even slower. It belongs
/// to the library, so that the tests use it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit code for invalid settings, for an invalid command line, and for a database that no
/// version can use (`EX_USAGE` would be 64, but shells and supervisors know 2).
const BAD_SETTINGS: u8 = 2;

/// The exit code where what a command was to make is there already.
const THERE_ALREADY: u8 = 3;

/// The whole program: reads the command line and exits with 0, with 1 after a failure, with 3 if what
/// a command was to make is there already, or with 2 if
/// the settings or the command line are invalid, or name a database that no version can use.
pub fn main() -> ExitCode {
    let mut cli = Cli::read();
    // Keys are generated before the settings can name them, and defaults are printed before there
    // are others.
    if let Some(Command::Keys { command: KeysCommand::Generate(args) }) = &cli.command {
        return ended(keys::generate(args));
    }
    if let Some(Command::Config { command: ConfigCommand::Defaults }) = &cli.command {
        return ended(admin::print_defaults(cli.env));
    }
    match &cli.command {
        Some(Command::Completions(args)) => return ended(manuals::completions(args.shell)),
        Some(Command::Man(args)) => return ended(manuals::write(&args.folder)),
        _ => {}
    }
    let (settings, writings) = match environment::settings(&cli) {
        Ok(read) => read,
        Err(error) => {
            eprintln!("menjin: {error}");
            return ExitCode::from(BAD_SETTINGS);
        }
    };
    let start = Start::of(&cli, &writings);
    let command = cli.command.take().unwrap_or(Command::Serve);
    // Certificates are read before a database is created or migrated. Other commands do not read
    // them: a person who creates an administrator need not have the right to read the server's keys.
    let files = || {
        tls::Certificate::read(&settings.server)?;
        settings.redis.check_files()?;
        mail::check(&settings)
    };
    if matches!(command, Command::Serve | Command::Config { .. })
        && let Err(error) = files()
    {
        eprintln!("menjin: {error}");
        return ExitCode::from(BAD_SETTINGS);
    }
    ended(match command {
        Command::Serve => serve(&settings, &start, || Ok(environment::settings(&cli)?.0)),
        Command::Migrate => admin::migrate(&settings),
        Command::Transfer(input) => match transfer::Databases::of(&settings, &input) {
            Ok(databases) => transfer::run(databases, &settings),
            Err(error) => {
                eprintln!("menjin: {error}");
                return ExitCode::from(BAD_SETTINGS);
            }
        },
        Command::Admin { command: AdminCommand::Create(input) } => admin::create(&settings, &input),
        Command::Audit { command: AuditCommand::Export(args) } => admin::export(&settings, &args),
        Command::Config { command: ConfigCommand::Check } => {
            admin::check_config(&settings, &writings)
        }
        Command::Config { command: ConfigCommand::Defaults } => admin::print_defaults(cli.env),
        Command::Completions(args) => manuals::completions(args.shell),
        Command::Man(args) => manuals::write(&args.folder),
        Command::Keys { command: KeysCommand::Generate(args) } => keys::generate(&args),
        Command::Users { command } => to_the_end(user_commands::run(&settings, command)),
        Command::Invitations { command: InvitationsCommand::Create(args) } => {
            to_the_end(invitation_commands::create(&settings, &args))
        }
        Command::Invitations { command: InvitationsCommand::List(args) } => {
            to_the_end(invitation_commands::list(&settings, &args))
        }
        Command::Invitations { command: InvitationsCommand::Revoke(args) } => {
            to_the_end(invitation_commands::revoke(&settings, args.id))
        }
        Command::Mail { command: MailCommand::Test(args) } => {
            to_the_end(mail_commands::test(&settings, &args.to))
        }
        Command::Mail { command: MailCommand::List(args) } => {
            to_the_end(mail_commands::list(&settings, &args))
        }
        Command::Mail { command: MailCommand::Retry(args) } => {
            to_the_end(mail_commands::retry(&settings, args.id))
        }
    })
}

/// Runs a command to its end.
fn to_the_end(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    admin::runtime()?.block_on(command)
}

fn ended(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read it has enough, as `head` has.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // The error with its causes, because the error alone seldom helps.
            logging::last_words(format!("menjin: {error:#}"));
            if admin::is_there_already(&error) {
                return ExitCode::from(THERE_ALREADY);
            }
            let is_setting = error.chain().any(<dyn std::error::Error>::is::<SettingsError>);
            if is_setting || names_an_unusable_database(&error) {
                return ExitCode::from(BAD_SETTINGS);
            }
            ExitCode::FAILURE
        }
    }
}

/// Whether nobody reads what a command writes any more.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let is_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
        let of_json =
            || cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        cause.downcast_ref().is_some_and(is_pipe) || of_json() == Some(io::ErrorKind::BrokenPipe)
    })
}

/// Whether the settings name a database from before the first release, or one that is not UTF-8.
/// Starting again does not help then.
fn names_an_unusable_database(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref() == Some(&SchemaError::Obsolete)
            || matches!(cause.downcast_ref(), Some(OpenError::Encoding { .. }))
    })
}

fn serve(
    settings: &Settings,
    start: &Start,
    read: impl Fn() -> Result<Settings, SettingsError>,
) -> anyhow::Result<()> {
    // Dropped last, because lines that are logged after that are lost.
    let _log = logging::start(&settings.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(serve::until_signalled(settings, start, read));
    // What was to be waited for has been waited for.
    runtime.shutdown_background();
    ended
}
