//! The `unstuck` command: arguments, one file a subcommand, exit codes. Only here reports meet the rest.

mod args;
mod check;
mod choose;
mod compare;
mod dump;
mod exit;
mod export;
mod files;
mod judge;
mod morning;
mod nightly;
mod out;
mod page;
mod proxy;
mod report;
mod results;
mod run;
mod schema;
mod screen;
mod table;
mod watch;

use std::process::ExitCode;

use clap::{ColorChoice, Parser, Subcommand};

pub use exit::Exit;

/// Finds clients that stay stuck after the network misbehaved and came back.
#[derive(Debug, Parser)]
#[command(name = "unstuck", version, after_help = EXITS)]
struct Args {
    /// Colours on a terminal.
    #[arg(long, global = true, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    color: ColorChoice,
    #[command(subcommand)]
    command: Command,
}

const EXITS: &str = "Exit codes: 0 all pass, 1 a case failed, 2 unknown only, 3 a scenario file is wrong, \
                     4 the harness itself failed, 130 interrupted.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs scenarios and judges the client.
    Run(Box<args::RunArgs>),
    /// Judges a record again.
    Judge(judge::JudgeArgs),
    /// Runs everything into a history, and tells what has become of it since the nights before.
    Nightly(Box<nightly::NightlyArgs>),
    /// Tells what has become of a night, and merges the histories of many machines.
    Report(report::ReportArgs),
    /// Tells what differs between two records, or two folders of them.
    Compare(compare::CompareArgs),
    /// Reads task dumps (goroutines, tokio's tasks, Python's threads) and tells what is stuck, and where.
    Dump(args::DumpArgs),
    /// Tells all errors of scenario files, without running them.
    Check(check::CheckArgs),
    /// Writes scenarios as manifests for a real cluster.
    Export(export::ExportArgs),
    /// Judges a client that runs elsewhere, under faults that others carry out.
    Watch(Box<watch::WatchArgs>),
    /// Serves Toxiproxy's API, in the place of `toxiproxy-server`.
    Proxy(proxy::ProxyArgs),
    /// Prints the JSON schema of scenario files, for editors.
    Schema(schema::SchemaArgs),
}

/// Parses the arguments, does what they say, and tells the exit code.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let _nowhere_to_say_it = error.print();
            return if error.use_stderr() { Exit::Harness } else { Exit::Pass }.into();
        }
    };
    let colour = screen::colour(args.color, &std::io::stdout());
    let colour_errors = screen::colour(args.color, &std::io::stderr());
    match args.command {
        Command::Run(run) => run::run(&run, colour, colour_errors),
        Command::Judge(args) => judge::run(&args, colour),
        Command::Nightly(args) => nightly::run(&args, colour, colour_errors),
        Command::Report(args) => report::run(&args, colour),
        Command::Compare(args) => compare::run(&args, colour),
        Command::Dump(args) => dump::run(&args, colour),
        Command::Check(args) => check::run(&args, colour),
        Command::Export(export) => export::run(&export, screen::colour(args.color, &std::io::stderr())),
        Command::Watch(args) => watch::run(&args, colour, colour_errors),
        Command::Proxy(args) => proxy::run(&args),
        Command::Schema(args) => schema::run(&args),
    }
    .into()
}
