//! `menjin keys generate`, and what becomes of keys in settings.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use menjin_tests::process::{command, output};

use crate::MENJIN;

fn keys(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = output(command(MENJIN, folder).args(["keys", "generate"]).args(arguments));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_key_is_printed_or_written_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    for algorithm in ["eddsa", "es256"] {
        // Before there are settings: production would ask for a secret.
        let arguments = ["--env", "production", "--algorithm", algorithm];
        let (code, printed, _) = keys(folder.path(), &arguments);
        assert_eq!(code, Some(0));
        assert!(printed.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{printed}");
        let file = folder.path().join(algorithm);
        let out = ["--algorithm", algorithm, "--out", file.to_str().unwrap()];
        let (code, said, _) = keys(folder.path(), &out);
        assert_eq!(code, Some(0));
        let written = std::fs::read_to_string(&file).unwrap();
        assert_eq!(written.len(), printed.len());
        assert_ne!(written, printed);
        let inside = written.lines().nth(1).unwrap();
        assert!(said.starts_with("made key ") && !said.contains(inside), "{said}");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        // A key that is in use is not replaced.
        let (code, _, complaint) = keys(folder.path(), &out);
        assert_eq!(code, Some(1), "{complaint}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
    }
    assert_eq!(keys(folder.path(), &["--algorithm", "rs256"]).0, Some(2));
}

#[test]
fn s4_keys_in_settings_are_read_at_the_start_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str| {
        let file = folder.path().join(name).display().to_string();
        assert_eq!(keys(folder.path(), &["--out", &file]).0, Some(0));
        (std::fs::read_to_string(&file).unwrap(), file)
    };
    let ((one, one_file), (other, other_file)) = (make("one.pem"), make("other.pem"));
    let check = |key: &str, verify_only: &str| {
        let mut check = command(MENJIN, folder.path());
        check.args(["config", "check"]).env("MENJIN__AUTH__ACCESS_KEY", key);
        let output = output(check.env("MENJIN__AUTH__VERIFY_ONLY_ACCESS_KEYS", verify_only));
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        for pem in [&one, &other] {
            assert!(!text.contains(pem.lines().nth(1).unwrap()), "{text}");
        }
        (output.status.code(), text)
    };
    for (key, verify_only, shown) in [
        (&one_file, &other, format!("access_key = {one_file:?}")),
        (&one, &other_file, format!("verify_only_access_keys = [{other_file:?}]")),
        (&one, &format!("HS256, {other}"), "access_key = \"***\"".to_owned()),
        (&String::new(), &other, "verify_only_access_keys = [\"***\"]".to_owned()),
    ] {
        let (code, text) = check(key, verify_only);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.lines().any(|line| line == shown), "{shown} in:\n{text}");
    }
    for (key, verify_only) in [
        (&one, &one_file),
        (&one_file, &format!("{other},{other_file}")),
        (&one, &"HS256,HS256".to_owned()),
        (&one.replace("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE"), &String::new()),
        (&one[..60].to_owned(), &String::new()),
    ] {
        let (code, text) = check(key, verify_only);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains("access_key"), "{text}");
    }
}
