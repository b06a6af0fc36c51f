//! `h2_max_streams`: the node's `SETTINGS_MAX_CONCURRENT_STREAMS` is no larger than a cap.
//!
//! A client may open streams before it has heard of any limit, and these are let through. On a live connection the client
//! is sent SETTINGS of their own, at the toxic's begin and at its end; its acknowledgement does not reach the node.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};

use super::frame::{Frame, kind};

/// How many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxStreams {
    /// The cap; at 0 a client can open none.
    pub limit: u32,
}

const MAX_CONCURRENT_STREAMS: u16 = 3;

/// What the client was told of the node's limit.
#[derive(Debug, Default)]
pub(super) struct Limit {
    /// The node's own; `None` is no limit.
    own: Option<u32>,
    told: Option<u32>,
    /// SETTINGS that were sent to the client, and acknowledged by it.
    sent: u64,
    acknowledged: u64,
    /// Those of `sent` that were not the node's.
    ours: VecDeque<u64>,
}

// === impl Limit ===

impl Limit {
    /// The node's SETTINGS as they go on; with them whether they were altered.
    pub(super) fn pass(&mut self, settings: Frame, cap: Option<u32>) -> (Frame, bool) {
        let first = self.sent == 0;
        self.sent += 1;
        let of = |entry: &[u8]| u16::from_be_bytes([entry[0], entry[1]]);
        let value = |entry: &[u8]| u32::from_be_bytes([entry[2], entry[3], entry[4], entry[5]]);
        let entries = || settings.payload.chunks_exact(6);
        let said = entries().rfind(|entry| of(entry) == MAX_CONCURRENT_STREAMS).map(value);
        self.own = said.or(self.own);
        if said.is_none() && !first {
            return (settings, false);
        }
        let wanted = least(self.own, cap);
        self.told = wanted;
        if wanted == self.own {
            return (settings, false);
        }
        let mut payload = BytesMut::new();
        for entry in entries().filter(|entry| of(entry) != MAX_CONCURRENT_STREAMS) {
            payload.extend_from_slice(entry);
        }
        put(&mut payload, wanted);
        (Frame { payload: payload.freeze(), ..settings }, true)
    }

    /// SETTINGS that tell the client of another cap, if it makes a difference.
    pub(super) fn tell(&mut self, cap: Option<u32>) -> Option<Frame> {
        let wanted = least(self.own, cap);
        if self.sent == 0 || wanted == self.told {
            return None;
        }
        self.told = wanted;
        self.sent += 1;
        self.ours.push_back(self.sent);
        let mut payload = BytesMut::new();
        put(&mut payload, wanted);
        Some(Frame::new(kind::SETTINGS, 0, 0, Bytes::from(payload)))
    }

    /// The client acknowledges the next SETTINGS: whether the node is to know.
    pub(super) fn acknowledge(&mut self) -> bool {
        self.acknowledged += 1;
        let ours = self.ours.front() == Some(&self.acknowledged);
        if ours {
            self.ours.pop_front();
        }
        !ours
    }
}

fn put(payload: &mut BytesMut, limit: Option<u32>) {
    payload.put_u16(MAX_CONCURRENT_STREAMS);
    payload.put_u32(limit.unwrap_or(u32::MAX));
}

fn least(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    one.into_iter().chain(other).min()
}
