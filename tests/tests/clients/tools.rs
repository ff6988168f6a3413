//! Running the tools, and saying what to install where one is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The top of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// `tests/clients`
pub(crate) fn clients() -> PathBuf {
    root().join("tests/clients")
}

/// A folder for what this test generates, empty.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = root().join("target/clients").join(name);
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Node.js, with the packages of `tests/clients`.
pub(crate) fn node() -> Command {
    need(&clients().join("node_modules"));
    let mut command = Command::new("node");
    command.current_dir(clients());
    command
}

/// A program of one of those packages.
pub(crate) fn node_program(name: &str) -> Command {
    let mut command = node();
    command.arg(clients().join("node_modules/.bin").join(name));
    command
}

/// A program of the Python environment.
pub(crate) fn python(program: &str) -> Command {
    let path = root().join("target/python/bin").join(program);
    need(&path);
    let mut command = Command::new(path);
    command.current_dir(clients());
    command
}

/// Chromium, by whichever name it is installed.
pub(crate) fn chromium() -> PathBuf {
    installed(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])
}

/// Firefox, by whichever name it is installed.
pub(crate) fn firefox() -> PathBuf {
    installed(&["firefox-esr", "firefox"])
}

fn installed(names: &[&str]) -> PathBuf {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&folders).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.exists())
        .unwrap_or_else(|| {
            panic!("{} is not installed: run scripts/test-tools", names.join(" or "))
        })
}

fn need(path: &Path) {
    assert!(path.exists(), "{} is missing: run scripts/test-tools", path.display());
}

/// Runs a tool to its end, which has to be a good one.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!(
            "{} cannot be run ({error}): run scripts/test-tools",
            command.get_program().display()
        )
    });
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
    text
}
