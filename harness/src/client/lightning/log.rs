//! The client's log, in the form of the original's, at a bounded rate.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::client;

/// So many lines of one message pass in each [`WINDOW`]; the next that passes tells how many did not.
const LINES: u32 = 8;
const WINDOW: Duration = Duration::from_secs(60);

/// A log whose repeated messages thin out. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Log {
    sink: client::Log,
    seen: Arc<Mutex<BTreeMap<&'static str, Seen>>>,
}

#[derive(Debug)]
struct Seen {
    since: Instant,
    lines: u32,
    suppressed: u64,
}

impl Log {
    pub(super) fn new(sink: client::Log) -> Self {
        Self { sink, seen: Arc::default() }
    }
    /// `[INFO] ["message"] [name=value]…`
    pub(super) fn info(&self, message: &'static str, fields: &[(&str, &dyn Display)]) {
        self.line("INFO", message, fields);
    }
    /// `[WARN] ["message"] [name=value]…`
    pub(super) fn warn(&self, message: &'static str, fields: &[(&str, &dyn Display)]) {
        self.line("WARN", message, fields);
    }

    fn line(&self, level: &str, message: &'static str, fields: &[(&str, &dyn Display)]) {
        let Some(suppressed) = self.passes(message) else { return };
        let mut text = format!("[{level}] [\"{message}\"]");
        for (name, value) in fields {
            text.push_str(&field(name, &value.to_string()));
        }
        if suppressed > 0 {
            text.push_str(&field("suppressed", &suppressed.to_string()));
        }
        self.sink.line(text);
    }

    /// How many lines of this message were held back before this one; `None` if this one is too.
    fn passes(&self, message: &'static str) -> Option<u64> {
        let now = Instant::now();
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.entry(message).or_insert(Seen { since: now, lines: 0, suppressed: 0 });
        if now - seen.since >= WINDOW {
            (seen.since, seen.lines) = (now, 0);
        }
        if seen.lines == LINES {
            seen.suppressed += 1;
            return None;
        }
        seen.lines += 1;
        Some(std::mem::take(&mut seen.suppressed))
    }
}

/// ` [name=value]`, quoted where the value has more than one word.
fn field(name: &str, value: &str) -> String {
    if value.contains([' ', '"', '=', '[', ']']) {
        format!(" [{name}={value:?}]")
    } else {
        format!(" [{name}={value}]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn repeated_lines_thin_out_and_are_counted() {
        let lines = Arc::new(Mutex::new(vec![]));
        let sink = lines.clone();
        let log = Log::new(client::Log::new(move |line| sink.lock().unwrap().push(line)));
        for _ in 0..10 {
            log.warn("meet retryable error", &[("error", &"no leader"), ("job stage", &"needRescan")]);
        }
        log.info("another", &[]);
        tokio::time::sleep(WINDOW).await;
        log.warn("meet retryable error", &[]);
        let lines = lines.lock().unwrap();
        assert_eq!(lines.len(), 10);
        assert_eq!(lines[0], r#"[WARN] ["meet retryable error"] [error="no leader"] [job stage=needRescan]"#);
        assert_eq!(lines[8], r#"[INFO] ["another"]"#);
        assert_eq!(lines[9], r#"[WARN] ["meet retryable error"] [suppressed=2]"#);
    }
}
