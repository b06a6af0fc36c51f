//! What each toxic does at the moments that a session has for it.

use std::sync::Arc;

use tokio::time::Instant;

use super::{State, Way};
use crate::ledger::Tally;
use crate::toxic::h2::fields::Block;
use crate::toxic::h2::frame::Frame;
use crate::toxic::h2::streams::{Moving, Wait};
use crate::toxic::h2::{ErrorCode, H2, Part, Refuse, Reset, Status};
use crate::toxic::{InForce, Kind};

/// A toxic at work on this connection.
#[derive(Debug)]
pub(super) struct Acting {
    /// Its number on the link.
    pub(super) id: u64,
    revision: u64,
    what: H2,
    way: Way,
    since: Instant,
    /// Bytes that are to pass in its direction before it begins.
    before: u64,
    /// Streams of its paths, or all, that were opened since.
    seen: u64,
    /// The stream with which so many had been opened as a GOAWAY waits for. Whoever opens fast opens more before it is told.
    reached: Option<u32>,
    /// It acts once, and has.
    done: bool,
    tally: Arc<Tally>,
}

/// What a stream gets in the place of one of its parts.
enum Strike {
    Reset(ErrorCode),
    Answer(Block),
}

impl Acting {
    fn new(toxic: &InForce, what: &H2, now: Instant) -> Self {
        Self {
            id: toxic.id,
            revision: toxic.revision,
            what: what.clone(),
            way: what.way(toxic.toxic.stream),
            since: now,
            before: toxic.toxic.only.after_bytes,
            seen: 0,
            reached: None,
            done: false,
            tally: Arc::clone(&toxic.tally),
        }
    }

    /// It can do nothing to this connection.
    pub(super) fn passes_by(&self) -> u64 {
        self.tally.pass_by();
        self.id
    }

    fn acts(&self, way: Way) -> bool {
        self.way == way && self.before == 0
    }

    /// What it does in the place of `parts` of the stream `id`, one that it has counted out.
    fn strike(&self, parts: &[Part], id: u32) -> Option<Strike> {
        match &self.what {
            H2::Refuse(Refuse { error, .. }) => {
                parts.contains(&Part::Headers).then_some(Strike::Reset(*error))
            }
            H2::Reset(Reset { part, error, .. }) => parts.contains(part).then_some(Strike::Reset(*error)),
            H2::Status(status) => parts.contains(&Part::Headers).then(|| Strike::Answer(status.answer(id))),
            _ => None,
        }
    }
}

impl State {
    fn meet(&mut self, toxic: &InForce, now: Instant) {
        let Kind::H2(what) = &toxic.toxic.kind else { return };
        if self.toxics.iter().any(|acting| acting.id == toxic.id) || self.passed_by.contains(&toxic.id) {
            return;
        }
        if self.blind {
            toxic.tally.pass_by();
            self.passed_by.push(toxic.id);
            return;
        }
        self.recoding = true;
        self.toxics.push(Acting::new(toxic, what, now));
        self.send_goaways(now);
    }

    /// These toxics act now, and no others.
    pub(super) fn meet_all(&mut self, toxics: &[Arc<InForce>], now: Instant) {
        self.keep(toxics, now);
        for toxic in toxics {
            self.meet(toxic, now);
        }
        self.tell_limit();
    }

    fn keep(&mut self, toxics: &[Arc<InForce>], now: Instant) {
        self.toxics.retain(|acting| toxics.iter().any(|toxic| toxic.id == acting.id));
        for acting in &mut self.toxics {
            let Some(toxic) = toxics.iter().find(|toxic| toxic.id == acting.id) else { continue };
            let Kind::H2(what) = &toxic.toxic.kind else { continue };
            if toxic.revision == acting.revision {
                continue;
            }
            let before = std::mem::replace(&mut acting.what, what.clone());
            acting.revision = toxic.revision;
            acting.way = what.way(toxic.toxic.stream);
            let id = acting.id;
            for waits in self.streams.waits_mut() {
                match (&before, what) {
                    (H2::Hold(old), H2::Hold(new)) if old == new => {}
                    (H2::Delay(old), H2::Delay(new)) if old.path == new.path && old.part == new.part => {
                        // no later than if it came now
                        for wait in waits.iter_mut().filter(|wait| wait.toxic == id) {
                            wait.until = [wait.until, new.until(now)].into_iter().flatten().min();
                        }
                    }
                    _ => waits.retain(|wait| wait.toxic != id),
                }
            }
        }
    }

    /// Bytes have passed, which toxics may have waited for.
    pub(super) fn count_down(&mut self, way: Way, bytes: usize) {
        for toxic in self.toxics.iter_mut().filter(|toxic| toxic.way == way) {
            toxic.before = toxic.before.saturating_sub(bytes as u64);
        }
    }

    pub(super) fn drops_ping_acks(&self, way: Way, bytes: usize) -> bool {
        let drops = self.toxics.iter().find(|toxic| toxic.acts(way) && toxic.what == H2::DropPingAcks);
        drops.inspect(|toxic| toxic.tally.bytes(bytes)).is_some()
    }

    // === limits ===

    fn cap(&self) -> Option<u32> {
        let limit = |toxic: &Acting| match &toxic.what {
            H2::MaxStreams(most) => Some(most.limit),
            _ => None,
        };
        self.toxics.iter().filter_map(limit).min()
    }

    pub(super) fn limited(&mut self, settings: Frame) -> Frame {
        let (settings, altered) = self.limit.pass(settings, self.cap());
        if altered {
            self.credit_limit(settings.len());
        }
        settings
    }

    fn tell_limit(&mut self) {
        if self.blind {
            return;
        }
        if let Some(settings) = self.limit.tell(self.cap()) {
            self.credit_limit(settings.len());
            self.inject(Way::Down, settings);
        }
    }

    fn credit_limit(&self, bytes: usize) {
        for toxic in self.toxics.iter().filter(|toxic| matches!(toxic.what, H2::MaxStreams(_))) {
            toxic.tally.bytes(bytes);
        }
    }

    // === streams ===

    /// A stream of this path is opened: which toxics end it, by number.
    pub(super) fn count_opening(&mut self, path: &[u8]) -> Vec<u64> {
        let mut struck_by = vec![];
        for toxic in self.toxics.iter_mut().filter(|toxic| toxic.before == 0) {
            let (paths, nth) = match &toxic.what {
                H2::Refuse(Refuse { path, nth, .. })
                | H2::Reset(Reset { path, nth, .. })
                | H2::Status(Status { path, nth, .. }) => (path, *nth),
                H2::Goaway(goaway) => {
                    toxic.seen += 1;
                    if toxic.seen == goaway.after_streams && goaway.after.is_zero() {
                        toxic.reached = Some(self.highest);
                    }
                    continue;
                }
                _ => continue,
            };
            if paths.contain(path) {
                toxic.seen += 1;
                if nth == 0 || nth == toxic.seen {
                    struck_by.push(toxic.id);
                }
            }
        }
        struck_by
    }

    /// Ends the stream if this part of it is where a toxic wants that.
    pub(super) fn strikes(&mut self, way: Way, moving: &Moving, parts: &[Part]) -> bool {
        let id = moving.stream();
        let Some(stream) = self.streams.get_mut(id) else { return false };
        let striking =
            self.toxics.iter().filter(|toxic| toxic.acts(way) && stream.struck_by.contains(&toxic.id));
        let Some((strike, tally)) =
            striking.into_iter().find_map(|toxic| Some((toxic.strike(parts, id)?, Arc::clone(&toxic.tally))))
        else {
            return false;
        };
        stream.ended_by = Some(tally);
        self.sink(way, moving);
        match strike {
            Strike::Reset(error) => self.reset(id, error.0, false),
            Strike::Answer(answer) => {
                self.forget(id);
                self.inject_any(Way::Down, &Moving::Block(answer));
            }
        }
        true
    }

    /// What is to be waited for before this part goes on.
    pub(super) fn waits(&mut self, way: Way, moving: &Moving, parts: &[Part], now: Instant) -> Vec<Wait> {
        let Some(stream) = self.streams.get_mut(moving.stream()) else { return vec![] };
        let mut waits = vec![];
        for toxic in self.toxics.iter().filter(|toxic| toxic.acts(way)) {
            let until = match &toxic.what {
                H2::Hold(hold) if parts.contains(&hold.part) && hold.path.contain(&stream.path) => {
                    toxic.tally.bytes(moving.len());
                    None
                }
                H2::Delay(delay) if parts.contains(&delay.part) && delay.path.contain(&stream.path) => {
                    toxic.tally.delayed(1);
                    delay.until(now)
                }
                _ => continue,
            };
            waits.push(Wait { toxic: toxic.id, until });
        }
        waits
    }

    // === GOAWAY ===

    /// Sends what is due.
    pub(super) fn send_goaways(&mut self, now: Instant) {
        for at in 0..self.toxics.len() {
            let toxic = &mut self.toxics[at];
            let H2::Goaway(goaway) = &toxic.what else { continue };
            let (way, side) = (toxic.way, &self.sides[toxic.way as usize]);
            let due = toxic.before == 0
                && !toxic.done
                && side.begun
                && toxic.seen >= goaway.after_streams
                && toxic.since.checked_add(goaway.after).is_some_and(|at| at <= now);
            if !due {
                continue;
            }
            toxic.done = true;
            // upstream it would name a stream that the node has opened, and there are none
            let opened = if way == Way::Down { toxic.reached.unwrap_or(self.highest) } else { 0 };
            let last = goaway.last_stream.unwrap_or(opened);
            let frame = Frame::goaway(last, goaway.error.0);
            let tally = Arc::clone(&toxic.tally);
            tally.bytes(frame.len());
            self.inject(way, frame);
            if way == Way::Down {
                self.last_taken = Some(self.last_taken.map_or(last, |before| before.min(last)));
                for id in self.streams.above(last) {
                    if let Some(stream) = self.streams.get_mut(id) {
                        stream.ended_by = Some(Arc::clone(&tally));
                    }
                    self.forget(id);
                }
            }
        }
    }

    pub(super) fn goaway_due(&self, way: Way) -> Option<Instant> {
        let due = |toxic: &Acting| match &toxic.what {
            H2::Goaway(goaway)
                if toxic.acts(way)
                    && !toxic.done
                    && self.sides[way as usize].begun
                    && toxic.seen >= goaway.after_streams =>
            {
                toxic.since.checked_add(goaway.after)
            }
            _ => None,
        };
        self.toxics.iter().filter_map(due).min()
    }
}
