//! Docker's own command: what it says when it refuses is what people know.

use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::process::{Command, Stdio};

/// The label of all that runs make, its value the process that made it.
pub(super) const LABEL: &str = "unstuck";

/// Runs `docker`; what it printed, trimmed, or what it said instead.
pub(super) fn docker(args: &[&str]) -> io::Result<String> {
    let output = Command::new("docker").args(args).stdin(Stdio::null()).output().map_err(no_command)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let hint = if said.contains("No such image") { "; `.ci/image` makes it" } else { "" };
    Err(io::Error::other(format!("`docker {}`: {}{hint}", args[0], said.trim())))
}

/// The first line that a container prints: it runs.
pub(super) fn first_line(container: &str) -> io::Result<String> {
    let mut logs = Command::new("docker")
        .args(["logs", "--follow", container])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(no_command)?;
    let mut line = String::new();
    let read = BufReader::new(logs.stdout.take().expect("it is piped")).read_line(&mut line);
    let _it_may_have_ended = logs.kill();
    logs.wait()?;
    match read? {
        0 => Err(io::Error::other(format!("the container `{container}` ended before it was ready"))),
        _ => Ok(line),
    }
}

/// The process id, on this machine, of a container that runs.
pub(super) fn pid(container: &str) -> io::Result<u32> {
    let pid = docker(&["inspect", "--format", "{{.State.Pid}}", container])?;
    pid.parse().ok().filter(|pid| *pid != 0).ok_or_else(|| {
        io::Error::other(format!("the container `{container}` does not run: its process id is `{pid}`"))
    })
}

/// Removes what runs have left behind that were killed.
pub(super) fn sweep() -> io::Result<()> {
    let (label, form) = (format!("label={LABEL}"), format!("{{{{.ID}}}} {{{{.Label \"{LABEL}\"}}}}"));
    let dead = |listed: &str| -> Vec<String> {
        let of = listed.lines().filter_map(|line| line.split_once(' '));
        of.filter(|(_, pid)| !fs::exists(format!("/proc/{pid}")).unwrap_or(true))
            .map(|(id, _)| id.to_owned())
            .collect()
    };
    for id in dead(&docker(&["ps", "--all", "--filter", &label, "--format", &form])?) {
        remove(&id);
    }
    for id in dead(&docker(&["network", "ls", "--filter", &label, "--format", &form])?) {
        let _another_run_may_have_swept_it = docker(&["network", "rm", &id]);
    }
    Ok(())
}

/// Removes a container, whatever it does.
pub(super) fn remove(container: &str) {
    let _it_may_be_gone = docker(&["rm", "--force", "--volumes", container]);
}

fn no_command(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::NotFound => {
            io::Error::new(error.kind(), "no `docker` command: install Docker (Debian: `docker.io`)")
        }
        _ => error,
    }
}
