//! What somebody who embeds menjin relies on, from outside: the examples, and the builder.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod axum;
mod builder;
mod command_line;
mod own_tables;

use std::path::PathBuf;
use std::process::Command;

/// An example, which cargo builds before it runs the tests, in this folder.
fn example(name: &str, folder: &std::path::Path) -> Command {
    let tests = std::env::current_exe().unwrap();
    let built = tests.ancestors().nth(2).unwrap();
    let path: PathBuf = built.join("examples").join(name);
    assert!(path.exists(), "{} is missing: run cargo build --examples", path.display());
    let mut command = Command::new(path);
    command.current_dir(folder);
    command
}
