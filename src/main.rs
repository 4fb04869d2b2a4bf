//! The `samehand` program: arguments to a command, and the command's outcome to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    samehand::cli::main()
}
