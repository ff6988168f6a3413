//! `menjin users import`, `export` and `template`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use menjin_domain::common::{Locale, Timestamp};
use menjin_domain::import::OnConflict;

use super::filter::FilterArgs;
use super::time;

/// What a file of users is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    /// Comma, semicolon or tab; UTF-8, UTF-16 or GB18030.
    Csv,
    /// A JSON object a line.
    Ndjson,
    /// An Excel workbook: its first sheet.
    Xlsx,
}

/// What a list of users is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// For spreadsheets.
    Csv,
    /// A JSON object a line.
    Ndjson,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Conflict {
    /// The user stays as it is.
    Skip,
    /// The user becomes what the row says: name, address and profile.
    Update,
    /// The row fails.
    Fail,
}

impl From<Conflict> for OnConflict {
    fn from(conflict: Conflict) -> Self {
        match conflict {
            Conflict::Skip => Self::Skip,
            Conflict::Update => Self::Update,
            Conflict::Fail => Self::Fail,
        }
    }
}

/// What an update changes only if it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Also {
    Password,
    Role,
    Activity,
}

/// The language of headings.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Language {
    #[value(name = "zh-CN")]
    ZhCn,
    En,
}

impl From<Language> for Locale {
    fn from(language: Language) -> Self {
        match language {
            Language::ZhCn => Self::ZhCn,
            Language::En => Self::En,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file: its first row names the columns, in English or Chinese.
    pub(crate) file: PathBuf,
    /// What the file is, where its name does not say so.
    #[arg(long)]
    pub(crate) format: Option<ImportFormat>,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do nothing at all unless every row can be done.
    #[arg(long)]
    pub(crate) all_or_nothing: bool,
    /// What is done with rows whose user is there already.
    #[arg(long, default_value = "skip")]
    pub(crate) on_conflict: Conflict,
    /// What else is changed of such users, with --on-conflict update: password, role, activity.
    #[arg(long, value_delimiter = ',', value_name = "WHAT")]
    pub(crate) update: Vec<Also>,
    /// The role of new users whose row has none. [default: `registration.default_role`]
    #[arg(long)]
    pub(crate) role: Option<String>,
    /// Read a column of another name, such as `password=password_hash`; `HEADING=` reads it not at all.
    #[arg(long, value_name = "HEADING=COLUMN")]
    pub(crate) map: Vec<String>,
    /// Generate a password for each new user whose row has none, and write names and passwords into this
    /// file, which must not be there yet.
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub(crate) generate_passwords: Option<PathBuf>,
    /// From when on passwords are good that have to be changed. [default: at once]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) good_from: Option<Timestamp>,
    /// Write the rows that failed into this CSV file, with the reason, to correct and import them.
    #[arg(long, value_name = "FILE")]
    pub(crate) failed: Option<PathBuf>,
    /// A JSON object for each row.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The file. Without it, standard output.
    pub(crate) file: Option<PathBuf>,
    /// What to write, where the name of the file does not say so. [default: csv]
    #[arg(long)]
    pub(crate) format: Option<ExportFormat>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Write the hashes of the passwords as well, for another menjin.
    #[arg(long)]
    pub(crate) with_hashes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TemplateArgs {
    /// The language of the headings. [default: `locale.default`]
    #[arg(long)]
    pub(crate) language: Option<Language>,
}
