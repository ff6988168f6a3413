//! Which users a command is about.

use clap::Args;

/// Which users a command is about: those that match all of it.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// How the user name, the e-mail address or the full name begins.
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// Only those of this role.
    #[arg(long)]
    pub(crate) role: Option<String>,
    /// Only those that are active, or that are not.
    #[arg(long, value_name = "BOOL")]
    pub(crate) active: Option<bool>,
    /// Only those whose address is verified, or is not.
    #[arg(long, value_name = "BOOL")]
    pub(crate) verified: Option<bool>,
}
