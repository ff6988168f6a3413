//! `examples/command_line.rs`

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use crate::example;

/// Makes the administrator `root`.
pub(crate) fn make_admin(folder: &Path, password: &str) {
    let mut command = example("command_line", folder);
    command.args(["admin", "root", "root@example.com"]).stdin(Stdio::piped());
    let mut process = command.spawn().unwrap();
    process.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    assert!(process.wait().unwrap().success());
}

#[test]
fn a_tool_makes_administrators_and_lists_users() {
    let folder = tempfile::tempdir().unwrap();
    make_admin(folder.path(), "correct horse 7");
    let listed = example("command_line", folder.path()).arg("users").output().unwrap();
    let said = String::from_utf8_lossy(&listed.stderr).into_owned();
    assert_eq!(said.trim(), "1  root  admin");
    let bad = example("command_line", folder.path())
        .args(["admin", "root", "nowhere"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert!(!bad.status.success() && said.contains("address: "), "{said}");
}
