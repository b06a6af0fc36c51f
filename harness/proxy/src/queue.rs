//! Bytes on their way through one direction, each with the time from which it may go out. Order is kept, memory
//! is bounded, and an empty queue owns none.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The most bytes that one direction holds: a default socket buffer of the sim, and twice what toxiproxy copies at once.
pub(crate) const CAPACITY: usize = 64 << 10;
/// The most chunks with a time of their own, so that a flood of tiny writes under a delay costs no more than its bytes.
const CHUNKS: usize = 4 << 10;

/// A bounded queue of bytes with due times that never fall.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    bytes: VecDeque<u8>,
    /// From when on the next so many bytes may go out, in order; together they cover all bytes.
    marks: VecDeque<(Instant, usize)>,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes may be pushed.
    pub(crate) fn room(&self) -> usize {
        if self.marks.len() < CHUNKS { CAPACITY.saturating_sub(self.bytes.len()) } else { 0 }
    }

    /// Adds bytes, at least where there is room for one, due at `due` but not before those ahead of them.
    pub(crate) fn push(&mut self, chunk: &[u8], due: Instant, now: Instant) {
        debug_assert!(self.room() > 0);
        self.bytes.extend(chunk);
        match self.marks.back_mut() {
            Some((at, len)) if due <= *at || due <= now => *len += chunk.len(),
            _ => self.marks.push_back((due, chunk.len())),
        }
    }

    /// The next bytes that may go out, or an empty slice.
    pub(crate) fn due(&self, now: Instant) -> &[u8] {
        let ready = self.marks.front().filter(|(at, _)| *at <= now).map_or(0, |(_, len)| *len);
        let (front, _) = self.bytes.as_slices();
        &front[..ready.min(front.len())]
    }

    /// Takes out bytes that [`Queue::due`] showed.
    pub(crate) fn pop(&mut self, count: usize) {
        self.bytes.drain(..count);
        if let Some((_, len)) = self.marks.front_mut() {
            *len -= count;
            if *len == 0 {
                self.marks.pop_front();
            }
        }
        if self.bytes.is_empty() {
            *self = Self::default();
        }
    }

    /// When the first bytes that are not due yet will be; `None` if there are none.
    pub(crate) fn next_due(&self, now: Instant) -> Option<Instant> {
        self.marks.front().map(|(at, _)| *at).filter(|at| *at > now)
    }

    /// When the last byte is due.
    pub(crate) fn last_due(&self) -> Option<Instant> {
        self.marks.back().map(|(at, _)| *at)
    }

    /// Lets nothing wait longer than `most` from now.
    pub(crate) fn hasten(&mut self, now: Instant, most: Duration) {
        let Some(limit) = now.checked_add(most) else { return };
        for (at, _) in &mut self.marks {
            *at = limit.min(*at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn take(queue: &mut Queue, now: Instant) -> Vec<u8> {
        let mut out = Vec::new();
        while !queue.due(now).is_empty() {
            let part = queue.due(now).to_vec();
            queue.pop(part.len());
            out.extend(part);
        }
        out
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_go_out_when_due_and_never_overtake() {
        let start = Instant::now();
        let mut queue = Queue::default();
        queue.push(b"a", start, start);
        assert_eq!(take(&mut queue, start), b"a");
        queue.push(b"b", start + 10 * MS, start);
        queue.push(b"c", start + 5 * MS, start);
        queue.push(b"d", start, start);
        queue.push(b"e", start + 12 * MS, start);
        assert_eq!(queue.next_due(start), Some(start + 10 * MS));
        assert_eq!(take(&mut queue, start + 9 * MS), b"");
        assert_eq!(take(&mut queue, start + 10 * MS), b"bcd");
        queue.hasten(start + 10 * MS, MS);
        assert_eq!(take(&mut queue, start + 11 * MS), b"e");
        assert_eq!(queue.next_due(start), None);
    }

    #[tokio::test(start_paused = true)]
    async fn room_is_bounded_in_bytes_and_in_chunks() {
        let start = Instant::now();
        let mut queue = Queue::default();
        queue.push(&vec![0; CAPACITY - 1], start, start);
        assert_eq!(queue.room(), 1);
        queue.pop(CAPACITY - 1);
        for n in 0..CHUNKS as u32 {
            assert!(queue.room() > 0, "chunk {n}");
            queue.push(b"x", start + n * MS, start);
        }
        assert_eq!(queue.room(), 0);
        queue.pop(1);
        assert!(queue.room() > 0);
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_before_a_delay_wait_for_nothing() {
        let start = Instant::now();
        let mut queue = Queue::default();
        queue.push(b"now", start, start);
        queue.push(b"later", start + MS, start);
        assert_eq!(take(&mut queue, start), b"now");
        assert_eq!(take(&mut queue, start + MS), b"later");
    }
}
