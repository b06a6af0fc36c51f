//! What moves along a stream: on at once, later, or not at all.

use tokio::time::Instant;

use super::{Ending, State, Way};
use crate::toxic::h2::fields::Block;
use crate::toxic::h2::frame::Frame;
use crate::toxic::h2::streams::{Moving, Wait, Waiting};
use crate::toxic::h2::{ErrorCode, Part};

impl State {
    /// Something of a stream goes on now, or later, or not at all.
    pub(super) fn travel(&mut self, way: Way, moving: Moving, parts: &[Part], now: Instant) {
        if !self.recoding {
            return self.goes_on(way, &moving);
        }
        let id = moving.stream();
        let blocked = !self.streams.opening.is_empty();
        let Some(stream) = self.streams.get_mut(id) else { return self.goes_on(way, &moving) };
        if stream.halves[way as usize].sunk {
            return self.sink(way, &moving);
        }
        if moving.is_reset() {
            self.is_reset(id, way.other());
        }
        if self.strikes(way, &moving, parts) {
            return;
        }
        let waits = self.waits(way, &moving, parts, now);
        let Some(stream) = self.streams.get_mut(id) else { return };
        let opens = way == Way::Up && !stream.opened;
        let queue = &stream.halves[way as usize].queue;
        let first = queue.is_empty();
        // a window is opened for the other direction, and waits only for the stream itself
        let in_order = opens || !parts.is_empty() || moving.is_reset();
        if waits.is_empty() && (first || !in_order) && !(opens && blocked) {
            return self.goes_on(way, &moving);
        }
        if opens && first {
            self.streams.opening.push_back(id);
        }
        self.streams.wait(way, id, Waiting { moving, waits });
    }

    fn goes_on(&mut self, way: Way, moving: &Moving) {
        moving.write(&mut self.side(way).out);
        self.went_on(way, moving);
    }

    /// What the receiver makes of it.
    pub(super) fn went_on(&mut self, way: Way, moving: &Moving) {
        let id = moving.stream();
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.opened |= way == Way::Up;
        stream.halves[way as usize].ended |= moving.ends_stream();
        if moving.is_reset() {
            self.is_reset(id, way.other());
            self.streams.bury(id);
        } else if stream.halves.iter().all(|half| half.ended) && !stream.reset {
            self.streams.close(id);
            self.watched.one_less();
        }
    }

    /// The stream is gone where `way` leads to.
    fn is_reset(&mut self, id: u32, way: Way) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let first = !std::mem::replace(&mut stream.reset, true);
        stream.halves[way as usize].sunk = true;
        if first {
            self.watched.one_less();
        }
        self.side(way).rung = true;
        for waiting in self.streams.clear(way, id) {
            self.sink(way, &waiting.moving);
        }
    }

    /// Takes something off. Its sender gets back the window that it took up.
    pub(super) fn sink(&mut self, way: Way, moving: &Moving) {
        let tally = self.streams.get_mut(moving.stream()).and_then(|stream| stream.ended_by.clone());
        if let Some(tally) = tally {
            tally.bytes(moving.len());
        }
        let controlled = moving.controlled();
        if controlled > 0 {
            self.inject(way.other(), Frame::window_update(controlled as u32));
        }
        if let Moving::Block(Block { promised: Some(promised), .. }) = moving {
            self.inject(way.other(), Frame::rst_stream(*promised, ErrorCode::CANCEL.0));
        }
    }

    /// The stream ends on each side that knows of it, by `error`. `told`: the client knows already.
    pub(super) fn reset(&mut self, id: u32, error: u32, told: bool) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let opened = stream.opened;
        for way in [Way::Up, Way::Down] {
            self.is_reset(id, way);
        }
        self.streams.bury(id);
        if !told {
            self.inject(Way::Down, Frame::rst_stream(id, error));
        }
        if opened {
            self.inject(Way::Up, Frame::rst_stream(id, error));
        }
    }

    /// The client knows that the stream is not taken.
    pub(super) fn forget(&mut self, id: u32) {
        self.reset(id, ErrorCode::CANCEL.0, true);
    }

    // === what goes on ===

    /// A frame of our own.
    pub(super) fn inject(&mut self, way: Way, frame: Frame) {
        self.inject_any(way, &Moving::Frame(frame));
    }

    pub(super) fn inject_any(&mut self, way: Way, moving: &Moving) {
        let side = self.side(way);
        if side.raw || side.end != Ending::Open {
            return;
        }
        moving.write(if side.begun { &mut side.out } else { &mut side.early });
        side.rung = true;
    }

    /// What has waited long enough goes on.
    pub(super) fn release(&mut self, way: Way, now: Instant) {
        let waiting: Vec<u32> = self.streams.waiting[way as usize].iter().copied().collect();
        for id in waiting {
            loop {
                let toxics = &self.toxics;
                let ready = |wait: &Wait| {
                    wait.until.is_some_and(|at| at <= now)
                        || !toxics.iter().any(|toxic| toxic.id == wait.toxic)
                };
                match self.streams.pop(way, id, ready) {
                    Some(moving) => self.goes_on(way, &moving),
                    None => break,
                }
            }
        }
    }

    /// When to ask again.
    pub(super) fn wake(&self, way: Way) -> Option<Instant> {
        let until = |wait: &Wait| match wait.until {
            None if self.toxics.iter().any(|toxic| toxic.id == wait.toxic) => None,
            until => until,
        };
        let of = |waiting: &Waiting| {
            let all: Option<Vec<Instant>> = waiting.waits.iter().map(until).collect();
            all?.into_iter().max()
        };
        let waiting = self.streams.fronts(way).filter_map(of).min();
        waiting.into_iter().chain(self.goaway_due(way)).min()
    }
}
