//! The server's `main`, built with the tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    menjin_server::main()
}
