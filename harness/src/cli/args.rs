//! Arguments of `unstuck run` and `unstuck dump`.

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
    /// Where to run: in virtual time, on real sockets, or on these with a container for each node and a program under test.
    #[arg(long, value_enum, default_value_t = Where::Sim)]
    pub(super) world: Where,
    /// A Toxiproxy on this machine that takes the built-in proxy's place on real sockets. A fault that it cannot carry out is an
    /// error; one of which it tells nothing is never a pass.
    #[arg(long, value_name = "URL", value_parser = toxiproxy)]
    pub(super) proxy: Option<String>,
    /// Takes tokio's own trace of a client that did not end. The process can abort over it, so give it one case.
    #[arg(long)]
    pub(super) trace: bool,
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
    #[command(flatten)]
    pub(super) outputs: Outputs,
    /// Where records go, in a new folder for each run.
    #[arg(long, default_value = "results", value_name = "DIR")]
    pub(super) results: PathBuf,
}

/// The files that reports go to.
#[derive(Debug, Args)]
pub(super) struct Outputs {
    /// Writes a `JUnit` report to this file.
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// Writes what `--json` prints to this file.
    #[arg(long, value_name = "FILE")]
    pub(super) json_out: Option<PathBuf>,
    /// Appends a summary in Markdown to this file, e.g. `$GITHUB_STEP_SUMMARY`.
    #[arg(long, value_name = "FILE")]
    pub(super) summary: Option<PathBuf>,
    /// Writes a page that needs nothing else: the verdicts, and what happened in each case.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
}

/// Arguments of `unstuck dump`.
#[derive(Debug, Args)]
pub(super) struct DumpArgs {
    /// Dumps: files, folders of them, `-` for stdin, `http://…`. Two or more of one program, oldest first, also tell
    /// what did not move; those of a folder are taken by name.
    #[arg(required = true, value_name = "FILE")]
    pub(super) sources: Vec<String>,
    /// One JSON object a dump on stdout, and one for what moved.
    #[arg(long, conflicts_with_all = ["tree", "all", "go"])]
    pub(super) json: bool,
    /// Writes a page that needs nothing else.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Who started whom.
    #[arg(long)]
    pub(super) tree: bool,
    /// Every stack, those that idle too, with every frame.
    #[arg(long)]
    pub(super) all: bool,
    /// Prints the dumps in a form of Go's instead.
    #[arg(long, value_enum, value_name = "FORM", conflicts_with_all = ["tree", "all", "html", "leak"])]
    pub(super) go: Option<GoForm>,
    /// What may wait for ever besides what is known: rules in YAML, or a dump that is known to be good.
    #[arg(long, value_name = "FILE")]
    pub(super) idle: Vec<String>,
    /// Fails (exit code 1) if anything that may not wait for ever has waited this many minutes.
    #[arg(long, value_name = "MINUTES", num_args = 0..=1, default_missing_value = "20", require_equals = true)]
    pub(super) leak: Option<u64>,
}

/// The forms of Go's dumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum GoForm {
    /// Every task.
    Debug2,
    /// Every distinct stack, with a count.
    Debug1,
}

/// The worlds by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Where {
    /// Virtual time, in memory.
    Sim,
    /// Real sockets, real time.
    Tcp,
    /// The same, at scale 1, in containers of a Docker engine on this machine.
    Docker,
}

impl From<Where> for WorldKind {
    fn from(world: Where) -> Self {
        match world {
            Where::Sim => Self::Sim,
            Where::Tcp => Self::Tcp,
            Where::Docker => Self::Docker,
        }
    }
}

fn toxiproxy(text: &str) -> Result<String, String> {
    match text.strip_prefix("http://") {
        Some(host) if !host.is_empty() => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("give its address, for example `http://127.0.0.1:8474`".to_owned()),
    }
}

fn client(text: &str) -> Result<ClientRef, String> {
    ClientRef::parse(text).map_err(|error| format!("{}; {}", error.message, error.hint))
}
