//! `unstuck schema`: the JSON schema of scenario files, for editors.

use std::io::Write as _;

use clap::Args;

use super::Exit;
use crate::scenario::schema;

/// Arguments of `unstuck schema`.
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// That of `matrix.yaml` instead.
    #[arg(long)]
    matrix: bool,
}

/// Prints a schema on stdout.
pub(super) fn run(args: &SchemaArgs) -> Exit {
    let schema = if args.matrix { schema::matrix() } else { schema::scenario() };
    match writeln!(std::io::stdout(), "{schema:#}") {
        // Whoever closed the pipe has what they wanted.
        Ok(()) => Exit::Pass,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Pass,
        Err(error) => {
            eprintln!("error: {error}");
            Exit::Harness
        }
    }
}
