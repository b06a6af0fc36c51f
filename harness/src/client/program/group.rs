//! A process with everything that it starts: spawned, signalled and killed together.
//!
//! Children stay in their parent's process group unless they leave it; those that leave are found by a mark in their
//! environment, where the platform shows it (Linux). A watcher outside of the group kills it when our own process
//! ends in any way, a kill -9 included: it reads from a pipe whose only other end is ours.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{self as unix, Pid};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::Instant;

use crate::scenario::program::{Shutdown, Signal};

/// The environment variable that marks what a run has started.
pub(super) const MARK: &str = "UNSTUCK_RUN";
/// How long the dead may take to be gone.
const BURIAL: Duration = Duration::from_secs(2);
/// How often to look whether anybody is left.
const LOOK: Duration = Duration::from_millis(10);

/// A process group. All of it is killed when this drops.
#[derive(Debug)]
pub(super) struct Group {
    child: Child,
    leader: Pid,
    mark: String,
    watcher: Option<std::process::Child>,
    over: bool,
}

/// The leader of a group, as long as the group is not over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leader(Pid);

impl Leader {
    /// Its process id.
    pub(super) fn id(self) -> i32 {
        self.0.as_raw_nonzero().get()
    }
    /// Sends it a signal.
    pub(super) fn tell(self, signal: Signal) {
        let _it_may_be_gone = unix::kill_process(self.0, number(signal));
    }
}

/// How a group ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ending {
    /// How long the signal took, if it sufficed.
    pub(super) obeyed: Option<Duration>,
    /// How many processes had to be killed.
    pub(super) killed: usize,
    /// How many could not be killed.
    pub(super) left: usize,
}

impl Group {
    /// Starts `command` as the leader of a new group. `mark` is this group's alone.
    pub(super) fn spawn(mut command: Command, mark: &str) -> io::Result<Self> {
        // before the client: from its first moment there is somebody who would end it
        let mut watcher = watcher().ok();
        let child = command
            .env(MARK, mark)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let leader = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let leader = leader.ok_or_else(|| io::Error::other("it has no process id"))?;
        if let Some(pipe) = watcher.as_mut().and_then(|watcher| watcher.stdin.as_mut()) {
            let _a_dead_watcher_is_no_watcher = writeln!(pipe, "{leader}");
        }
        Ok(Self { child, leader, mark: mark.to_owned(), watcher, over: false })
    }

    /// Who leads it.
    pub(super) fn leader(&self) -> Leader {
        Leader(self.leader)
    }

    /// What it prints; once.
    pub(super) fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// Waits for the leader's end.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks all of it to end, kills what does not. Nothing is left when this returns, or the answer says so.
    pub(super) async fn end(&mut self, shutdown: Shutdown) -> Ending {
        let begun = Instant::now();
        let _it_may_be_gone = unix::kill_process_group(self.leader, number(shutdown.signal));
        while begun.elapsed() < shutdown.grace {
            if self.nobody_left() {
                self.over();
                return Ending { obeyed: Some(begun.elapsed()), ..Ending::default() };
            }
            tokio::time::sleep(LOOK).await;
        }
        self.kill().await
    }

    /// Kills all of it.
    pub(super) async fn kill(&mut self) -> Ending {
        let begun = Instant::now();
        let killed = self.survivors().len();
        while !self.nobody_left() && begun.elapsed() < BURIAL {
            self.kill_now();
            tokio::time::sleep(LOOK).await;
        }
        let left = self.survivors().len();
        self.over();
        Ending { obeyed: None, killed, left }
    }

    fn nobody_left(&mut self) -> bool {
        // reaps the leader
        let gone = matches!(self.child.try_wait(), Ok(Some(_)) | Err(_));
        gone && self.survivors().is_empty()
    }

    fn kill_now(&self) {
        let _it_may_be_gone = unix::kill_process_group(self.leader, unix::Signal::KILL);
        for pid in self.survivors() {
            let _it_may_be_gone = unix::kill_process(pid, unix::Signal::KILL);
        }
    }

    fn survivors(&self) -> Vec<Pid> {
        survivors(self.leader, &self.mark)
    }

    fn over(&mut self) {
        self.over = true;
        if let Some(mut watcher) = self.watcher.take() {
            let _it_may_be_gone = watcher.kill();
            let _reaped = watcher.wait();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.over {
            self.kill_now();
            self.over();
        }
    }
}

/// `killed by SIGSEGV`, `exit code 3`.
pub(super) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("killed by {}", signal_name(signal)),
        (None, None) => status.to_string(),
    }
}

/// Whether that signal ended it.
pub(super) fn ended_by(status: ExitStatus, signal: Signal) -> bool {
    status.signal() == Some(number(signal).as_raw())
}

fn signal_name(raw: i32) -> String {
    let known = [
        (unix::Signal::HUP, "SIGHUP"),
        (unix::Signal::INT, "SIGINT"),
        (unix::Signal::QUIT, "SIGQUIT"),
        (unix::Signal::ILL, "SIGILL"),
        (unix::Signal::ABORT, "SIGABRT"),
        (unix::Signal::BUS, "SIGBUS"),
        (unix::Signal::FPE, "SIGFPE"),
        (unix::Signal::KILL, "SIGKILL"),
        (unix::Signal::SEGV, "SIGSEGV"),
        (unix::Signal::PIPE, "SIGPIPE"),
        (unix::Signal::ALARM, "SIGALRM"),
        (unix::Signal::TERM, "SIGTERM"),
        (unix::Signal::USR1, "SIGUSR1"),
        (unix::Signal::USR2, "SIGUSR2"),
        (unix::Signal::SYS, "SIGSYS"),
    ];
    let name = known.iter().find(|(signal, _)| signal.as_raw() == raw);
    name.map_or(format!("signal {raw}"), |(_, name)| (*name).to_owned())
}

fn number(signal: Signal) -> unix::Signal {
    match signal {
        Signal::Term => unix::Signal::TERM,
        Signal::Int => unix::Signal::INT,
        Signal::Hup => unix::Signal::HUP,
        Signal::Kill => unix::Signal::KILL,
        Signal::Quit => unix::Signal::QUIT,
        Signal::Abrt => unix::Signal::ABORT,
        Signal::Usr1 => unix::Signal::USR1,
        Signal::Usr2 => unix::Signal::USR2,
    }
}

/// A shell that kills the group whose number it is given when the pipe to it breaks.
fn watcher() -> io::Result<std::process::Child> {
    use std::os::unix::process::CommandExt as _;
    std::process::Command::new("/bin/sh")
        .args(["-c", r#"read group && { read nothing; kill -9 "-$group"; }"#])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

/// Processes of the group, or with the mark, that are not dead yet.
fn survivors(leader: Pid, mark: &str) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc/self").and_then(|_| fs::read_dir("/proc")) else {
        // without /proc only the group is known, and its dead count as long as nobody has reaped them
        return unix::test_kill_process_group(leader).map_or(vec![], |()| vec![leader]);
    };
    let entry = format!("{MARK}={mark}");
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let alive = |pid: &i32| {
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
        // after the name, which may hold anything: state, parent, group
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let (state, group) = (fields.next().unwrap_or("X"), fields.nth(1));
        if matches!(state, "Z" | "X") {
            return false;
        }
        group.and_then(|group| group.parse().ok()) == Some(leader.as_raw_nonzero().get())
            || fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|set| set == entry.as_bytes()))
    };
    numbers.filter(alive).filter_map(Pid::from_raw).collect()
}
