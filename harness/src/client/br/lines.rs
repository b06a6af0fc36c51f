//! The log, at a bounded rate: what repeats is counted rather than written.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::client::Log;

/// So many lines with the same message in [`WINDOW`].
const LINES: u32 = 10;
/// Unscaled on purpose: it bounds the record, not the client.
const WINDOW: Duration = Duration::from_secs(60);

/// A log in the form of the original's, bounded for each message. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Lines(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    log: Log,
    windows: Mutex<BTreeMap<&'static str, Window>>,
}

#[derive(Debug)]
struct Window {
    since: Instant,
    written: u32,
    left_out: u64,
}

impl Lines {
    pub(super) fn new(log: Log) -> Self {
        Self(Arc::new(Inner { log, windows: Mutex::default() }))
    }

    /// Logs `message` with its fields (`[key=value] …`), or counts it.
    pub(super) fn say(&self, message: &'static str, fields: &str) {
        let Some(left_out) = self.admit(message) else { return };
        let dropped = if left_out > 0 { format!(" [leftOut={left_out}]") } else { String::new() };
        self.0.log.line(format!("[\"{message}\"] {fields}{dropped}"));
    }

    /// How many were left out before this one; `None` if this one is left out too.
    fn admit(&self, message: &'static str) -> Option<u64> {
        let now = Instant::now();
        let mut windows = self.0.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(message).or_insert(Window { since: now, written: 0, left_out: 0 });
        if now - window.since >= WINDOW {
            (window.since, window.written) = (now, 0);
        }
        if window.written == LINES {
            window.left_out += 1;
            return None;
        }
        window.written += 1;
        Some(std::mem::take(&mut window.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ten_lines_a_minute_are_written_and_the_rest_is_counted() {
        let written = Arc::new(Mutex::new(vec![]));
        let sink = written.clone();
        let lines = Lines::new(Log::new(move |line| sink.lock().unwrap().push(line)));
        for _ in 0..25 {
            lines.say("try backup", "[storeID=4]");
        }
        lines.say("another", "[storeID=5]");
        tokio::time::advance(WINDOW).await;
        lines.say("try backup", "[storeID=6]");
        let written = written.lock().unwrap();
        assert_eq!(written.len(), 12);
        assert_eq!(written[10], "[\"another\"] [storeID=5]");
        assert_eq!(written[11], "[\"try backup\"] [storeID=6] [leftOut=15]");
    }
}
