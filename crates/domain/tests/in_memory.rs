//! The example of this crate runs to its end: it stops at the first step whose outcome differs.

use std::process::Command;

#[test]
fn the_example_runs_to_its_end() {
    // `target/debug/deps/…`, beside which cargo has built the examples.
    let this = std::env::current_exe().unwrap();
    let built = this.ancestors().nth(2).unwrap();
    let done = Command::new(built.join("examples/in_memory")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(!done.stdout.is_empty(), "it prints a line for each step");
}
