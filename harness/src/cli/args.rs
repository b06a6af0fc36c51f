//! Arguments of `unstuck run`.

use std::num::NonZero;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::run::WorldKind;
use crate::scenario::ClientRef;

/// Arguments of `unstuck run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Scenario files, or folders of them.
    #[arg(default_value = "scenarios/reported", value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// The client under test. Default: the file's, else the folder's matrix, else the selector's source.
    #[arg(long, value_name = "NAME@REVISION", value_parser = client)]
    pub(super) client: Option<ClientRef>,
    /// Only the case of this name.
    #[arg(long, value_name = "NAME")]
    pub(super) case: Option<String>,
    /// A run of the folder's matrix whose cluster and workload to take, e.g. `reduced`.
    #[arg(long, value_name = "NAME")]
    pub(super) variant: Option<String>,
    /// Where to run: in virtual time, or on real sockets.
    #[arg(long, value_enum, default_value_t = Where::Sim)]
    pub(super) world: Where,
    /// By how much to divide durations on real sockets.
    #[arg(long, default_value_t = NonZero::new(60).expect("60 is not 0"), value_name = "N")]
    pub(super) scale: NonZero<u32>,
    /// The seed of every random choice.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(super) seed: u64,
    /// Run this many seeds, from `--seed` on, and print a table instead of reports.
    #[arg(long, default_value_t = NonZero::<u64>::MIN, value_name = "N")]
    pub(super) seeds: NonZero<u64>,
    /// Cases at a time. Default: one a core.
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<NonZero<usize>>,
    /// One JSON object a case on stdout; everything else is on stderr.
    #[arg(long)]
    pub(super) json: bool,
    /// Nothing on stderr while cases run.
    #[arg(long)]
    pub(super) quiet: bool,
    /// Writes a `JUnit` report to this file.
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// Writes what `--json` prints to this file.
    #[arg(long, value_name = "FILE")]
    pub(super) json_out: Option<PathBuf>,
    /// Appends a summary in Markdown to this file, e.g. `$GITHUB_STEP_SUMMARY`.
    #[arg(long, value_name = "FILE")]
    pub(super) summary: Option<PathBuf>,
    /// Where records go, in a new folder for each run.
    #[arg(long, default_value = "results", value_name = "DIR")]
    pub(super) results: PathBuf,
}

/// The worlds by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Where {
    /// Virtual time, in memory.
    Sim,
    /// Real sockets, real time.
    Tcp,
}

impl From<Where> for WorldKind {
    fn from(world: Where) -> Self {
        match world {
            Where::Sim => Self::Sim,
            Where::Tcp => Self::Tcp,
        }
    }
}

fn client(text: &str) -> Result<ClientRef, String> {
    ClientRef::parse(text).map_err(|error| format!("{}; {}", error.message, error.hint))
}
