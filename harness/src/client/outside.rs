//! What a client outside of our process needs besides: to be told when the run is over, a place for what it leaves behind, and
//! the container to start in, if any.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use unstuck_record::Event;

/// Cheap to clone. The default is of no use to anybody and does no harm.
#[derive(Clone, Default)]
pub struct Outside {
    over: CancellationToken,
    sink: Option<Arc<dyn Fn(Left) + Send + Sync>>,
    inside: Option<Inside>,
}

/// The containers that programs are started in, one each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inside {
    image: &'static str,
    network: String,
    first: Ipv4Addr,
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
        Self { over: CancellationToken::new(), sink: Some(Arc::new(sink)), inside: None }
    }
    /// The same, for programs that are to be started in containers.
    pub fn inside(self, inside: Option<Inside>) -> Self {
        Self { inside, ..self }
    }
    pub(super) fn container(&self) -> Option<&Inside> {
        self.inside.as_ref()
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

impl Inside {
    /// Containers of this image, on this network, their addresses from `first` on.
    pub fn new(image: &'static str, network: &str, first: Ipv4Addr) -> Self {
        Self { image, network: network.to_owned(), first }
    }
    /// Their image.
    pub fn image(&self) -> &str {
        self.image
    }
    /// Their network.
    pub fn network(&self) -> &str {
        &self.network
    }
    /// The container of one program, by its number among those of the case; of all, what their names begin with.
    pub fn name(&self, number: impl fmt::Display) -> String {
        format!("{}-client-{number}", self.network)
    }
    /// Where that program may listen. No other does: any port is free.
    pub fn addr(&self, number: u32) -> SocketAddr {
        // TiDB's status port
        SocketAddr::new(Ipv4Addr::from_bits(self.first.to_bits() + number).into(), 10080)
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outside")
    }
}
