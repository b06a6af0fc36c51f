//! Bytes that wait for their receiver. Order is kept and so are chunks; memory is bounded, and an empty queue owns none.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};

/// The most bytes that one direction holds: a default socket buffer of the sim, and twice what toxiproxy copies at once.
pub(crate) const CAPACITY: usize = 64 << 10;
/// The most chunks, so that a flood of tiny writes costs no more than a few of their bytes.
const CHUNKS: usize = 4 << 10;

/// A bounded queue of bytes.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    chunks: VecDeque<Bytes>,
    bytes: usize,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// How many bytes may be pushed. What comes through toxics may be more, by one chunk.
    pub(crate) fn room(&self) -> usize {
        if self.chunks.len() < CHUNKS { CAPACITY.saturating_sub(self.bytes) } else { 0 }
    }

    /// Adds bytes, at least one, where there is room.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        debug_assert!(self.room() > 0 && !chunk.is_empty());
        self.bytes += chunk.len();
        self.chunks.push_back(chunk);
    }

    /// The next bytes.
    pub(crate) fn front(&self) -> Option<&[u8]> {
        self.chunks.front().map(|chunk| &chunk[..])
    }

    /// Takes out bytes that [`Queue::front`] showed.
    pub(crate) fn pop(&mut self, count: usize) {
        self.bytes -= count;
        if let Some(front) = self.chunks.front_mut() {
            front.advance(count);
            if front.is_empty() {
                self.chunks.pop_front();
            }
        }
        if self.bytes == 0 {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_bounded_in_bytes_and_in_chunks() {
        let mut queue = Queue::default();
        queue.push(Bytes::from(vec![0; CAPACITY - 1]));
        assert_eq!(queue.room(), 1);
        queue.pop(CAPACITY - 1);
        for n in 0..CHUNKS {
            assert!(queue.room() > 0, "chunk {n}");
            queue.push(Bytes::from_static(b"x"));
        }
        assert_eq!(queue.room(), 0);
        queue.pop(1);
        assert!(queue.room() > 0);
    }

    #[test]
    fn chunks_stay_apart_and_an_empty_queue_owns_nothing() {
        let mut queue = Queue::default();
        queue.push(Bytes::from_static(b"ab"));
        queue.push(Bytes::from_static(b"c"));
        assert_eq!(queue.front(), Some(&b"ab"[..]));
        queue.pop(1);
        assert_eq!((queue.front(), queue.len()), (Some(&b"b"[..]), 2));
        queue.pop(1);
        assert_eq!(queue.front(), Some(&b"c"[..]));
        queue.pop(1);
        assert_eq!((queue.front(), queue.chunks.capacity()), (None, 0));
    }
}
