//! The binary `menjin`.

use std::process::ExitCode;

fn main() -> ExitCode {
    menjin_server::main()
}
