//! Task dumps of a program, as it gives them. Every one has a deadline: a program that cannot answer any more is just
//! what is looked for.

use std::fs::File;
use std::io::Read as _;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use super::fetch;
use super::group::{Group, Leader};
use super::output::Output;
use crate::scenario::program::Dump;

/// No dump is read any further.
const LARGEST: u64 = 64 << 20;
/// Dumps are at most this part of the time that has passed apart, or as the scenario says.
const SELDOM: u32 = 30;

/// A dump, and where it is from.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) source: String,
    pub(super) text: Result<Vec<u8>, String>,
}

/// Takes a dump from the first source that gives one. Signals that end a program are sent only at the `last` one.
pub(super) async fn take(dump: &Dump, leader: Leader, output: &Output, mark: &str, last: bool) -> Taken {
    let mut failed: Vec<String> = vec![];
    let within = |source: &str| format!("{source}: nothing within {:?}", dump.within);
    if let Some((addr, form)) = &dump.pprof {
        let source = format!("pprof, debug={form}");
        match tokio::time::timeout(dump.within, fetch::pprof(addr, *form)).await {
            Ok(Ok(text)) => return Taken { source, text: Ok(text) },
            Ok(Err(error)) => failed.push(error),
            Err(_) => failed.push(within("pprof")),
        }
    }
    if let Some(command) = &dump.command {
        match tokio::time::timeout(dump.within, print(command, leader.id(), mark)).await {
            Ok(Ok(text)) => return Taken { source: format!("command `{}`", command[0]), text: Ok(text) },
            Ok(Err(error)) => failed.push(error),
            Err(_) => failed.push(within("command")),
        }
    }
    if let Some(path) = &dump.file {
        match read(path) {
            Ok(text) => return Taken { source: format!("file `{path}`"), text: Ok(text) },
            Err(error) => failed.push(format!("file `{path}`: {error}")),
        }
    }
    if let Some((signal, stream)) = dump.signal.filter(|(signal, _)| last || signal.is_survived()) {
        let source = format!("SIG{}, {}", signal.name(), stream.name());
        let printed = output.capture(stream, || leader.tell(signal));
        match tokio::time::timeout(dump.within, printed).await {
            Ok(text) => return Taken { source, text: Ok(text) },
            Err(_) => failed.push(within(&source)),
        }
    }
    Taken { source: "none".into(), text: Err(failed.join("; ")) }
}

/// Whether a dump can be had while the program goes on.
pub(super) fn on_a_period(dump: &Dump) -> bool {
    let survives = dump.signal.is_some_and(|(signal, _)| signal.is_survived());
    dump.pprof.is_some() || dump.command.is_some() || dump.file.is_some() || survives
}

/// How long to wait for the next dump. In a long run they come ever more seldom: what counts is how precise an age is, in
/// parts of it.
pub(crate) fn pause(every: Duration, passed: Duration) -> Duration {
    every.max(passed / SELDOM)
}

async fn print(command: &[String], pid: i32, mark: &str) -> Result<Vec<u8>, String> {
    let said = |error: &dyn std::fmt::Display| format!("command `{}`: {error}", command[0]);
    let mut process = Command::new(&command[0]);
    process.args(command[1..].iter().map(|arg| arg.replace("{pid}", &pid.to_string())));
    let mut group = Group::spawn(process, mark).map_err(|error| said(&error))?;
    let (stdout, stderr) = group.output();
    let (mut text, mut errors) = (vec![], vec![]);
    let all = async {
        if let Some(pipe) = stdout {
            pipe.take(LARGEST).read_to_end(&mut text).await?;
        }
        Ok::<_, std::io::Error>(())
    };
    let its_errors = async {
        if let Some(pipe) = stderr {
            pipe.take(LARGEST).read_to_end(&mut errors).await?;
        }
        Ok::<_, std::io::Error>(())
    };
    tokio::try_join!(all, its_errors).map_err(|error| said(&error))?;
    let status = group.wait().await.map_err(|error| said(&error))?;
    if !status.success() {
        let last = String::from_utf8_lossy(&errors);
        let last = last.trim().lines().last().unwrap_or_default();
        return Err(said(&format!("{}: {last}", super::group::describe(status))));
    }
    Ok(text)
}

fn read(path: &str) -> std::io::Result<Vec<u8>> {
    // a pipe of that name would be waited for
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("not a plain file"));
    }
    let mut text = vec![];
    File::open(path)?.take(LARGEST).read_to_end(&mut text)?;
    Ok(text)
}
