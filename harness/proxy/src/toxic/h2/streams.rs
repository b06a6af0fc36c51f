//! The streams of a connection: what is known of each, and what waits there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::BytesMut;
use tokio::time::Instant;

use super::Way;
use super::fields::Block;
use super::frame::{Frame, flag, kind};
use crate::ledger::Tally;

/// How many streams that were reset are remembered. More than a client may have open, so that what is still on its way to
/// one is known to be so.
const GRAVES: usize = 4 << 10;
/// How many streams are followed. No server allows as many.
pub(super) const MOST: usize = 64 << 10;

/// All streams that are open or were reset lately.
#[derive(Debug, Default)]
pub(super) struct Streams {
    table: BTreeMap<u32, Stream>,
    /// Those that were reset, the oldest first.
    graves: VecDeque<u32>,
    /// In each direction those with something that waits.
    pub(super) waiting: [BTreeSet<u32>; 2],
    /// Those whose opening waits, in order.
    pub(super) opening: VecDeque<u32>,
    /// Of what waits in each direction.
    pub(super) bytes: [usize; 2],
}

/// One stream.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) path: Vec<u8>,
    /// The toxics that end it, by number.
    pub(super) struck_by: Vec<u64>,
    /// Whose doing its end is.
    pub(super) ended_by: Option<Arc<Tally>>,
    /// The node has been told of it.
    pub(super) opened: bool,
    /// It was reset, by whomever.
    pub(super) reset: bool,
    pub(super) halves: [Half; 2],
}

/// One direction of a stream.
#[derive(Debug, Default)]
pub(super) struct Half {
    pub(super) queue: VecDeque<Waiting>,
    /// Its first headers were seen.
    pub(super) begun: bool,
    /// The end has gone on to the receiver.
    pub(super) ended: bool,
    /// The receiver has no such stream any more: what comes is taken off.
    pub(super) sunk: bool,
}

/// What waits, and for whom.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) moving: Moving,
    pub(super) waits: Vec<Wait>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    /// The toxic's number.
    pub(super) toxic: u64,
    /// Not before; `None` is not before the toxic is gone.
    pub(super) until: Option<Instant>,
}

/// What moves along a stream.
#[derive(Clone, Debug)]
pub(super) enum Moving {
    Frame(Frame),
    Block(Block),
}

// === impl Streams ===

impl Streams {
    pub(super) fn open(&mut self, id: u32, stream: Stream) {
        self.table.insert(id, stream);
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Stream> {
        self.table.get_mut(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Both sides have ended it.
    pub(super) fn close(&mut self, id: u32) {
        for way in [Way::Up, Way::Down] {
            // behind its end there may be something, if its sender is not in its right mind
            self.clear(way, id);
        }
        self.table.remove(&id);
    }

    /// It was reset; what still comes is known for a while.
    pub(super) fn bury(&mut self, id: u32) {
        self.graves.push_back(id);
        if self.graves.len() > GRAVES
            && let Some(oldest) = self.graves.pop_front()
        {
            self.close(oldest);
        }
    }

    /// The numbers of the streams that are open above `last`.
    pub(super) fn above(&self, last: u32) -> Vec<u32> {
        self.table
            .range(last.saturating_add(1)..)
            .filter(|(_, stream)| !stream.reset)
            .map(|(id, _)| *id)
            .collect()
    }

    pub(super) fn wait(&mut self, way: Way, id: u32, waiting: Waiting) {
        let Some(stream) = self.table.get_mut(&id) else { return };
        self.bytes[way as usize] += waiting.moving.len();
        stream.halves[way as usize].queue.push_back(waiting);
        self.waiting[way as usize].insert(id);
    }

    /// The first that waits, if `ready` says so and no opening is to go before it.
    pub(super) fn pop(&mut self, way: Way, id: u32, ready: impl Fn(&Wait) -> bool) -> Option<Moving> {
        let stream = self.table.get_mut(&id)?;
        let opens = way == Way::Up && !stream.opened;
        if opens && self.opening.front() != Some(&id) {
            return None;
        }
        let queue = &mut stream.halves[way as usize].queue;
        if !queue.front()?.waits.iter().all(ready) {
            return None;
        }
        let Waiting { moving, .. } = queue.pop_front()?;
        if queue.is_empty() {
            self.waiting[way as usize].remove(&id);
        }
        if opens {
            self.opening.pop_front();
        }
        self.bytes[way as usize] -= moving.len();
        Some(moving)
    }

    /// Takes off all that waits.
    pub(super) fn clear(&mut self, way: Way, id: u32) -> VecDeque<Waiting> {
        let Some(stream) = self.table.get_mut(&id) else { return VecDeque::new() };
        let queue = std::mem::take(&mut stream.halves[way as usize].queue);
        if way == Way::Up && !stream.opened {
            self.opening.retain(|of| *of != id);
        }
        self.waiting[way as usize].remove(&id);
        self.bytes[way as usize] -= queue.iter().map(|waiting| waiting.moving.len()).sum::<usize>();
        queue
    }

    /// What each stream waits for first.
    pub(super) fn fronts(&self, way: Way) -> impl Iterator<Item = &Waiting> {
        let front = move |id: &u32| self.table.get(id)?.halves[way as usize].queue.front();
        self.waiting[way as usize].iter().filter_map(front)
    }

    /// All that waits, to alter what for.
    pub(super) fn waits_mut(&mut self) -> impl Iterator<Item = &mut Vec<Wait>> {
        let halves = self.table.values_mut().flat_map(|stream| &mut stream.halves);
        halves.flat_map(|half| &mut half.queue).map(|waiting| &mut waiting.waits)
    }
}

// === impl Moving ===

impl Moving {
    pub(super) fn write(&self, out: &mut BytesMut) {
        match self {
            Moving::Frame(frame) => frame.write(out),
            Moving::Block(block) => block.write(out),
        }
    }

    /// On the wire, about.
    pub(super) fn len(&self) -> usize {
        match self {
            Moving::Frame(frame) => frame.len(),
            Moving::Block(block) => block.arrived,
        }
    }

    pub(super) fn stream(&self) -> u32 {
        match self {
            Moving::Frame(frame) => frame.stream,
            Moving::Block(block) => block.stream,
        }
    }

    pub(super) fn ends_stream(&self) -> bool {
        match self {
            Moving::Frame(frame) => frame.kind == kind::DATA && frame.has(flag::END_STREAM),
            Moving::Block(block) => block.end_stream,
        }
    }

    pub(super) fn is_reset(&self) -> bool {
        matches!(self, Moving::Frame(frame) if frame.kind == kind::RST_STREAM)
    }

    /// What its sender's windows are short of by it.
    pub(super) fn controlled(&self) -> usize {
        match self {
            Moving::Frame(frame) if frame.kind == kind::DATA => frame.payload.len(),
            _ => 0,
        }
    }
}
