//! The `unstuck` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    unstuck::cli::main()
}
