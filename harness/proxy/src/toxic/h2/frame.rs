//! HTTP/2 frames as bytes: RFC 9113, sections 4 and 6.

use bytes::{BufMut, Bytes, BytesMut};

/// What a client says first.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The length of a frame's header.
pub(super) const HEAD: usize = 9;
/// The payload that every receiver takes: nobody may set a smaller `SETTINGS_MAX_FRAME_SIZE`.
pub(super) const PAYLOAD: usize = 16 << 10;

/// A frame's type.
pub(super) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PUSH_PROMISE: u8 = 5;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const CONTINUATION: u8 = 9;
}

/// A frame's flags; which there are depends on its type.
pub(super) mod flag {
    pub(crate) const ACK: u8 = 0x1;
    pub(crate) const END_STREAM: u8 = 0x1;
    pub(crate) const END_HEADERS: u8 = 0x4;
    pub(crate) const PADDED: u8 = 0x8;
    pub(crate) const PRIORITY: u8 = 0x20;
}

/// What stands before a frame's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Of the payload.
    pub(super) len: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// 0 is the connection.
    pub(super) stream: u32,
}

/// A whole frame, but for headers and their continuations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Bytes,
}

// === impl Head ===

impl Head {
    /// Reads the first [`HEAD`] bytes; `None` if there are fewer.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, kind, flags, stream @ ..] = bytes.first_chunk::<HEAD>()?;
        let len = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        Some(Self { len, kind: *kind, flags: *flags, stream: u32::from_be_bytes(*stream) & (u32::MAX >> 1) })
    }

    pub(super) fn write(self, out: &mut BytesMut) {
        out.put_uint(self.len as u64, 3);
        out.put_u8(self.kind);
        out.put_u8(self.flags);
        out.put_u32(self.stream);
    }

    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

// === impl Frame ===

impl Frame {
    pub(super) fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Bytes>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    pub(super) fn rst_stream(stream: u32, error: u32) -> Self {
        Self::new(kind::RST_STREAM, 0, stream, error.to_be_bytes().to_vec())
    }

    /// For the whole connection.
    pub(super) fn window_update(by: u32) -> Self {
        Self::new(kind::WINDOW_UPDATE, 0, 0, by.to_be_bytes().to_vec())
    }

    pub(super) fn goaway(last: u32, error: u32) -> Self {
        let mut payload = last.to_be_bytes().to_vec();
        payload.extend(error.to_be_bytes());
        Self::new(kind::GOAWAY, 0, 0, payload)
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// On the wire.
    pub(super) fn len(&self) -> usize {
        HEAD + self.payload.len()
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        let Self { kind, flags, stream, .. } = *self;
        Head { len: self.payload.len(), kind, flags, stream }.write(out);
        out.extend_from_slice(&self.payload);
    }
}
