//! The `unstuck` command.

use std::process::ExitCode;

/// Runs allocate by the million, and what a leak case leaves behind takes long to hand back one by one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    unstuck::cli::main()
}
