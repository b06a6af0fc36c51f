//! A program that must end well, and in time.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A watchdog's bound: nothing here takes a twentieth of it on an idle machine.
const STUCK: Duration = Duration::from_secs(60);

/// Runs it to its end; returns what it printed. `seen` is called with each line.
pub(crate) fn run(mut program: Command, mut seen: impl FnMut(&str)) -> String {
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let called = format!("{program:?}");
    let mut child = program.spawn().unwrap();
    let lines = lines(child.stdout.take().unwrap());
    let mut printed = String::new();
    loop {
        match lines.recv_timeout(STUCK) {
            Ok(line) => {
                seen(&line);
                printed.push_str(&line);
                printed.push('\n');
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("{called} was stuck\n{printed}");
            }
        }
    }
    let status = child.wait().unwrap();
    assert!(status.success(), "{called}: {status}\n{printed}");
    printed
}

fn lines(from: ChildStdout) -> mpsc::Receiver<String> {
    let (send, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            let _nobody_listens = send.send(line.unwrap());
        }
    });
    lines
}

/// A program that serves until it is told to end.
pub(crate) struct Server {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Server {
    /// Starts it, and waits for the line that says it is ready. What it prints is always taken, or it would wait.
    pub(crate) fn start(mut program: Command, ready: &str) -> (Self, String) {
        program.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = program.spawn().unwrap();
        let lines = lines(child.stdout.take().unwrap());
        let line = lines.iter().find(|line| line.contains(ready));
        (Self { child, lines }, line.unwrap_or_else(|| panic!("{program:?} is not ready")))
    }

    /// Ends it by the end of its input, and returns what else it printed.
    pub(crate) fn end(mut self) -> String {
        drop(self.child.stdin.take());
        self.lines.iter().collect::<Vec<_>>().join("\n")
    }

    /// Kills it, and returns what else it printed.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.lines.iter().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _it_may_be_gone = self.child.kill();
        let _either_way = self.child.wait();
    }
}
