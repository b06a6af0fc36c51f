//! `latency`: each chunk goes on later, in order. Chunks travel side by side: a burst is late once, not once a chunk.

use std::collections::VecDeque;
use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::Kind;
use super::stage::{End, Held, Next, Piece, Stage};
use crate::ledger::Tally;

/// How late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// The mean.
    pub latency: Duration,
    /// The largest departure from it, drawn for each chunk, evenly. What would be before its time goes on at once.
    pub jitter: Duration,
}

#[derive(Debug)]
struct Late {
    latency: Latency,
    random: ChaCha8Rng,
    held: Held,
    /// When each piece may go on; these never fall.
    due: VecDeque<Instant>,
}

/// Longer than any run; a delay beyond it cannot be added to an [`Instant`] everywhere.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

impl Latency {
    pub(super) fn stage(self, random: ChaCha8Rng) -> Box<dyn Stage> {
        Box::new(Late { latency: self, random, held: Held::default(), due: VecDeque::new() })
    }

    fn longest(self) -> Duration {
        self.latency.saturating_add(self.jitter).min(FOREVER)
    }
}

impl Late {
    fn delay(&mut self) -> Duration {
        let Latency { latency, jitter } = self.latency;
        let most = u64::try_from(jitter.min(FOREVER).as_nanos()).expect("a century is less than 2^64 ns");
        let late = latency.saturating_add(Duration::from_nanos(self.random.random_range(0..=2 * most)));
        late.saturating_sub(Duration::from_nanos(most)).min(FOREVER)
    }
}

impl Stage for Late {
    fn takes(&self) -> bool {
        self.held.takes()
    }

    fn held(&self) -> usize {
        self.held.bytes()
    }

    fn push(&mut self, piece: Piece, now: Instant, tally: &Tally) {
        let due = now + self.delay();
        if due > now {
            tally.delayed(1);
        }
        self.due.push_back(self.due.back().map_or(due, |last| due.max(*last)));
        self.held.push(piece);
    }

    fn next(&mut self, now: Instant, _: &Tally) -> Next {
        match self.due.front() {
            Some(due) if *due <= now => {
                self.due.pop_front();
                Next::Piece(self.held.pop().expect("each piece has its time"))
            }
            due => Next::Idle(due.copied()),
        }
    }

    /// What is on its way comes no later than it would if it were sent now.
    fn update(&mut self, kind: &Kind, now: Instant) {
        let Kind::Latency(latency) = kind else { return };
        self.latency = *latency;
        let longest = now + latency.longest();
        self.due.iter_mut().for_each(|due| *due = longest.min(*due));
    }

    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        Ok(self.held.into_pieces())
    }
}
