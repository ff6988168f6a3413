//! What a test measured or counted, for the table that `make soak` prints at its end.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::Write as _;

/// Reports what a test of a row of `docs/security-rows.md` measured. The result is printed with the
/// output of the test, and added to the file that `MENJIN_TEST_MEASUREMENTS` names, if it names
/// one.
#[expect(clippy::print_stdout, reason = "with the output of the test")]
pub fn measured(row: &str, what: &str, value: impl Display) {
    println!("{row}: {what}: {value}");
    let Some(path) = std::env::var_os("MENJIN_TEST_MEASUREMENTS") else { return };
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    // One write: others may be writing as well.
    file.write_all(format!("{row}\t{what}\t{value}\n").as_bytes()).unwrap();
}
