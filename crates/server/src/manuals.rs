//! `menjin completions` and `menjin man`: made of the command line itself.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::cli::Cli;

/// `menjin completions`
pub(crate) fn completions(shell: clap_complete::Shell) -> anyhow::Result<()> {
    // Into memory first, because it panics if it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "menjin", &mut script);
    Ok(io::stdout().write_all(&script)?)
}

/// `menjin man`
pub(crate) fn write(folder: &Path) -> anyhow::Result<()> {
    let told = || folder.display().to_string();
    std::fs::create_dir_all(folder).with_context(told)?;
    clap_mangen::generate_to(Cli::command(), folder).with_context(told)
}
