//! What arrives: which frames are for the connection, which for a stream, and which blocks open one.

use tokio::time::Instant;

use super::{State, Way};
use crate::toxic::h2::fields::Block;
use crate::toxic::h2::frame::{Frame, PREFACE, flag, kind};
use crate::toxic::h2::reader::{Item, RawBlock};
use crate::toxic::h2::streams::{MOST, Moving, Stream};
use crate::toxic::h2::{Malformed, Part};

impl State {
    pub(super) fn read(&mut self, way: Way, now: Instant) {
        while !self.side(way).raw {
            let arrived = match self.side(way).reader.next() {
                Ok(Some(item)) => self.arrived(way, item, now),
                Ok(None) => break,
                Err(malformed) => Err(malformed),
            };
            if let Err(why) = arrived {
                self.give_up(way, why, now);
            }
        }
    }

    /// From now on everything passes here as it is; toxics act in neither direction.
    fn give_up(&mut self, way: Way, Malformed(why): Malformed, now: Instant) {
        self.watched.give_up(why);
        self.blind = true;
        self.passed_by.extend(self.toxics.drain(..).map(|toxic| toxic.passes_by()));
        self.release(way, now);
        let side = self.side(way);
        side.raw = true;
        let rest = side.reader.rest();
        side.out.unsplit(rest);
        let nothing_read = !self.sides[Way::Up as usize].begun || !self.sides[Way::Down as usize].begun;
        if nothing_read && !self.side(way.other()).raw {
            self.give_up(way.other(), Malformed(why), now);
            self.side(way.other()).rung = true;
        }
    }

    fn arrived(&mut self, way: Way, item: Item, now: Instant) -> Result<(), Malformed> {
        match item {
            Item::Preface => {
                self.side(way).out.extend_from_slice(PREFACE);
                Ok(())
            }
            Item::Frame(frame) => {
                self.frame(way, frame, now);
                Ok(())
            }
            Item::Block(raw) => {
                let block = match self.side(way).hpack.decode(&raw) {
                    Ok(block) if self.streams.len() < MOST => block,
                    failed => {
                        self.side(way).reader.put_back(&raw.wire);
                        return Err(failed.err().unwrap_or(Malformed("too many streams are open")));
                    }
                };
                self.block(way, block, &raw, now);
                Ok(())
            }
        }
    }

    fn frame(&mut self, way: Way, frame: Frame, now: Instant) {
        let len = frame.len();
        match frame.kind {
            kind::SETTINGS => self.settings(way, frame),
            kind::PING if frame.has(flag::ACK) && self.drops_ping_acks(way, len) => {}
            _ if frame.stream == 0 => frame.write(&mut self.side(way).out),
            kind::DATA => self.travel(way, Moving::Frame(frame), &[Part::Data], now),
            _ => self.travel(way, Moving::Frame(frame), &[], now),
        }
        self.count_down(way, len);
    }

    fn settings(&mut self, way: Way, settings: Frame) {
        if settings.has(flag::ACK) {
            if way == Way::Down || self.limit.acknowledge() {
                settings.write(&mut self.side(way).out);
            }
            return;
        }
        let settings = if way == Way::Down { self.limited(settings) } else { settings };
        let side = self.side(way);
        settings.write(&mut side.out);
        side.begun = true;
        let early = std::mem::take(&mut side.early);
        side.out.unsplit(early);
    }

    fn block(&mut self, way: Way, block: Block, raw: &RawBlock, now: Instant) {
        let (id, len) = (block.stream, block.arrived);
        if way == Way::Up && id > self.highest && block.promised.is_none() {
            self.opened(&block);
        }
        let parts = self.parts(way, &block);
        if self.recoding {
            self.travel(way, Moving::Block(block), &parts, now);
            self.send_goaways(now);
        } else {
            self.side(way).out.extend_from_slice(&raw.wire);
            self.went_on(way, &Moving::Block(block));
        }
        self.count_down(way, len);
    }

    fn opened(&mut self, block: &Block) {
        self.highest = block.stream;
        self.watched.one_more();
        let path = block.fields.get(":path").unwrap_or_default().to_vec();
        let struck_by = self.count_opening(&path);
        self.streams.open(block.stream, Stream { path, struck_by, ..Stream::default() });
        if self.last_taken.is_some_and(|last| block.stream > last) {
            // its opener knows: it was told before
            self.forget(block.stream);
        }
    }

    /// Which parts of its stream a block of headers is.
    fn parts(&mut self, way: Way, block: &Block) -> Vec<Part> {
        let informs = block.fields.get(":status").is_some_and(|status| status.starts_with(b"1"));
        let Some(stream) = self.streams.get_mut(block.stream).filter(|_| block.promised.is_none()) else {
            return vec![];
        };
        let half = &mut stream.halves[way as usize];
        let first = !half.begun;
        half.begun |= !informs;
        match (first, way == Way::Down && block.end_stream) {
            (true, true) => vec![Part::Headers, Part::Trailers],
            (true, false) => vec![Part::Headers],
            (false, _) => vec![Part::Trailers],
        }
    }
}
