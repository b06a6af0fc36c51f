//! What a client outside of our process needs besides: to be told when the run is over, and a place for what it
//! leaves behind.

use std::fmt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use unstuck_record::Event;

/// Cheap to clone. The default is of no use to anybody and does no harm.
#[derive(Clone, Default)]
pub struct Outside {
    over: CancellationToken,
    sink: Option<Arc<dyn Fn(Left) + Send + Sync>>,
}

/// What a client leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub enum Left {
    /// For the record.
    Event(Event),
    /// A task dump as the program gave it, taken at a moment of the run.
    Dump {
        /// Among the programs of the case, which.
        process: u32,
        /// Milliseconds since the client's start, when it was asked for.
        at_ms: u64,
        /// Where it is from.
        source: String,
        /// The text.
        text: Vec<u8>,
        /// Whether it is the last one.
        last: bool,
    },
    /// All that was kept of the output of one program, as text, at its end.
    Output(String),
}

impl Outside {
    /// Hands what is left to `sink`.
    pub fn new(sink: impl Fn(Left) + Send + Sync + 'static) -> Self {
        Self { over: CancellationToken::new(), sink: Some(Arc::new(sink)) }
    }
    /// Says that the run is over: the client takes its last dump and ends.
    pub fn end(&self) {
        self.over.cancel();
    }
    /// Waits until the run is over.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }
    pub(super) fn leave(&self, left: Left) {
        if let Some(sink) = &self.sink {
            sink(left);
        }
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outside")
    }
}
