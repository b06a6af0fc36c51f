//! One connection, read as HTTP/2: what is known of both directions, and the toxics that act on it.
//!
//! * [`arriving`]: frames and blocks, in the order of their arrival
//! * [`acts`]: what each toxic does to them
//! * [`travel`]: on at once, later, or not at all
//! * [`stage`]: the session as what stands on the way

mod acts;
mod arriving;
mod stage;
mod travel;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use tokio::time::Instant;

use self::acts::Acting;
use super::Way;
use super::fields::Hpack;
use super::max_streams::Limit;
use super::reader::Reader;
use super::streams::Streams;
use super::watched::Watched;
use crate::toxic::InForce;
use crate::toxic::stage::{CAPACITY, End, Next, Piece, Stage};

/// The most that waits in one direction before its sender is not read any more. Windows are smaller: gRPC's grow to
/// 16 MiB at most.
const WAITING: usize = 16 << 20;

/// The session of a connection, as its owner has it. Both stages have it, too.
#[derive(Clone, Debug)]
pub(crate) struct Session(Arc<Mutex<State>>);

/// Both directions.
#[derive(Debug)]
struct State {
    sides: [Side; 2],
    streams: Streams,
    toxics: Vec<Acting>,
    /// A toxic was there: from now on all blocks of headers are written anew, also when it is gone, since the receivers
    /// do not know what the senders count on.
    recoding: bool,
    /// Toxics act no more: something could not be read.
    blind: bool,
    /// The toxics that would act, by number.
    passed_by: Vec<u64>,
    /// The highest stream that the client has opened.
    highest: u32,
    limit: Limit,
    /// The last stream that the client was told is taken.
    last_taken: Option<u32>,
    watched: Arc<Watched>,
}

/// One direction.
#[derive(Debug)]
struct Side {
    reader: Reader,
    hpack: Hpack,
    /// What may go on.
    out: BytesMut,
    /// What is to go on behind the first frame of the sender: nothing may come before it.
    early: BytesMut,
    begun: bool,
    /// All passes as it is.
    raw: bool,
    end: Ending,
    /// What came before the end and was no whole frame.
    tail: BytesMut,
    /// Something happened here while the other direction was served.
    rung: bool,
}

/// How far a direction's end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Open,
    /// It has come, and goes on behind what waits.
    Comes(End),
    Gone,
}

// === impl Session ===

impl Session {
    /// For a connection of which no byte has been read.
    pub(crate) fn new(watched: Arc<Watched>) -> Self {
        Self(Arc::new(Mutex::new(State {
            sides: [Side::new(true), Side::new(false)],
            streams: Streams::default(),
            toxics: vec![],
            recoding: false,
            blind: false,
            passed_by: vec![],
            highest: 0,
            limit: Limit::default(),
            last_taken: None,
            watched,
        })))
    }

    /// What stands on the way up, and on the way down.
    pub(crate) fn stages(&self) -> [Box<dyn Stage>; 2] {
        [Way::Up, Way::Down].map(|way| self.stage(way))
    }

    /// Something has passed unread: toxics can do nothing.
    pub(crate) fn comes_too_late(&self) {
        self.lock().blind = true;
    }

    /// From now on it is these toxics that act, those among them that know HTTP/2.
    pub(crate) fn meet(&self, toxics: &[Arc<InForce>], now: Instant) {
        self.lock().meet_all(toxics, now);
    }

    /// Whether something has happened on the way up since it was asked last.
    pub(crate) fn rings_upstream(&self) -> bool {
        std::mem::take(&mut self.lock().sides[Way::Up as usize].rung)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Side ===

impl Side {
    fn new(preface: bool) -> Self {
        Self {
            reader: Reader::new(preface),
            hpack: Hpack::default(),
            out: BytesMut::new(),
            early: BytesMut::new(),
            begun: false,
            raw: false,
            end: Ending::Open,
            tail: BytesMut::new(),
            rung: false,
        }
    }
}

// === impl State ===

impl State {
    fn side(&mut self, way: Way) -> &mut Side {
        &mut self.sides[way as usize]
    }

    fn takes(&self, way: Way) -> bool {
        let [own, other] = [way, way.other()].map(|way| self.sides[way as usize].out.len());
        // what arrives may be answered the other way, to somebody who does not read
        own < CAPACITY && other < 2 * CAPACITY && self.streams.bytes[way as usize] < WAITING
    }

    fn held(&self, way: Way) -> usize {
        let side = &self.sides[way as usize];
        let end = usize::from(matches!(side.end, Ending::Comes(_)));
        side.out.len() + side.tail.len() + side.reader.held() + self.streams.bytes[way as usize] + end
    }

    fn push(&mut self, way: Way, piece: Piece, now: Instant) {
        let side = self.side(way);
        match piece {
            Piece::Data(bytes) if side.raw => side.out.extend_from_slice(&bytes),
            Piece::Data(bytes) => {
                side.reader.push(&bytes);
                self.read(way, now);
            }
            Piece::End(end) => {
                side.end = Ending::Comes(end);
                side.tail.unsplit(side.reader.rest());
            }
        }
    }

    fn next(&mut self, way: Way, now: Instant) -> Next {
        self.release(way, now);
        self.send_goaways(now);
        let full = self.sides[way as usize].out.len() >= 2 * CAPACITY;
        let waits = !self.streams.waiting[way as usize].is_empty();
        let side = self.side(way);
        if side.out.is_empty() && !waits && side.end != Ending::Open {
            side.out = std::mem::take(&mut side.tail);
        }
        if !side.out.is_empty() {
            let count = side.out.len().min(CAPACITY);
            let bytes = side.out.split_to(count).freeze();
            if full && side.out.len() < 2 * CAPACITY {
                self.side(way.other()).rung = true;
            }
            return Next::Piece(Piece::Data(bytes));
        }
        match side.end {
            // what waits is lost by an RST, as it is in TCP
            Ending::Comes(end) if !waits || end != End::Fin => {
                side.end = Ending::Gone;
                Next::Piece(Piece::End(end))
            }
            _ => Next::Idle(self.wake(way)),
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.watched.none_is_left();
    }
}
