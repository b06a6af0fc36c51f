//! Finds the frames in what arrives, in pieces of any size. What it keeps is bounded, whatever is sent.

use bytes::{Buf, Bytes, BytesMut};

use super::Malformed;
use super::frame::{Frame, HEAD, Head, PAYLOAD, PREFACE, flag, kind};

/// The largest frame that is kept whole. Those of DATA may be larger, and are cut.
const FRAME: usize = 64 << 10;
/// The largest block of headers, all its frames together. gRPC's own limits are 8 KiB and 16 KiB.
const BLOCK: usize = 256 << 10;

const NOT_HTTP2: Malformed = Malformed("it is not HTTP/2");

/// What arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// The client's first words.
    Preface,
    /// A frame; one of DATA that is larger than [`PAYLOAD`] comes as several.
    Frame(Frame),
    /// HEADERS or a `PUSH_PROMISE`, with all that belongs to it.
    Block(RawBlock),
}

/// A block of headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawBlock {
    pub(super) stream: u32,
    pub(super) end_stream: bool,
    pub(super) priority: Option<[u8; 5]>,
    /// The stream that a `PUSH_PROMISE` announces.
    pub(super) promised: Option<u32>,
    /// Compressed.
    pub(super) fields: Bytes,
    /// All its frames, as they arrived.
    pub(super) wire: Bytes,
}

/// The frames of one direction.
#[derive(Debug)]
pub(super) struct Reader {
    buf: BytesMut,
    /// The client's first words are still to come.
    preface: bool,
    /// No frame has come yet.
    first: bool,
    /// A large frame of DATA, on its way in parts.
    body: Option<Body>,
    /// A block of headers whose continuations are on their way.
    block: Option<(RawBlock, BytesMut, BytesMut)>,
}

#[derive(Clone, Copy, Debug)]
struct Body {
    flags: u8,
    stream: u32,
    /// Data still to come.
    left: usize,
    /// Padding behind it.
    pad: usize,
}

// === impl Reader ===

impl Reader {
    /// Whether it is the client's direction, which begins with a preface.
    pub(super) fn new(preface: bool) -> Self {
        Self { buf: BytesMut::new(), preface, first: true, body: None, block: None }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
    }

    /// What was taken out last cannot be read.
    pub(super) fn put_back(&mut self, wire: &[u8]) {
        let behind = std::mem::replace(&mut self.buf, BytesMut::from(wire));
        self.buf.extend_from_slice(&behind);
    }

    /// Bytes that have arrived and are no whole item yet.
    pub(super) fn held(&self) -> usize {
        self.buf.len() + self.block.as_ref().map_or(0, |(_, _, wire)| wire.len())
    }

    /// What has arrived and is no whole item, as it arrived; nothing more is to be read after this.
    pub(super) fn rest(&mut self) -> BytesMut {
        let mut rest = self.block.take().map(|(_, _, wire)| wire).unwrap_or_default();
        if let Some(body) = self.body.take() {
            body.rest(&mut rest);
        }
        rest.extend_from_slice(&std::mem::take(&mut self.buf));
        rest
    }

    /// The next whole item, if it has arrived.
    pub(super) fn next(&mut self) -> Result<Option<Item>, Malformed> {
        if self.preface {
            return self.preface();
        }
        loop {
            if let Some(body) = &mut self.body {
                let Some((part, last)) = body.next(&mut self.buf) else { return Ok(None) };
                if last {
                    self.body = None;
                }
                return Ok(Some(Item::Frame(part)));
            }
            if self.first && !begins(&self.buf) {
                return Err(NOT_HTTP2);
            }
            let Some(head) = Head::read(&self.buf) else { return Ok(None) };
            self.check(head)?;
            if head.kind == kind::DATA && head.len > PAYLOAD {
                let padded = head.has(flag::PADDED);
                let Some(first) = self.buf.get(HEAD).copied() else { return Ok(None) };
                let pad = if padded { usize::from(first) } else { 0 };
                self.buf.advance(HEAD + usize::from(padded));
                let left = head.len - usize::from(padded) - pad;
                self.body = Some(Body { flags: head.flags, stream: head.stream, left, pad });
                continue;
            }
            if self.buf.len() < HEAD + head.len {
                return Ok(None);
            }
            let wire = self.buf.split_to(HEAD + head.len).freeze();
            self.first = false;
            match head.kind {
                kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION => match self.headers(head, &wire) {
                    Ok(None) => {}
                    Ok(Some(block)) => return Ok(Some(Item::Block(block))),
                    Err(malformed) => {
                        self.put_back(&wire);
                        return Err(malformed);
                    }
                },
                _ => {
                    let Head { kind, flags, stream, .. } = head;
                    return Ok(Some(Item::Frame(Frame { kind, flags, stream, payload: wire.slice(HEAD..) })));
                }
            }
        }
    }

    fn preface(&mut self) -> Result<Option<Item>, Malformed> {
        let count = self.buf.len().min(PREFACE.len());
        if self.buf[..count] != PREFACE[..count] {
            return Err(NOT_HTTP2);
        }
        if count < PREFACE.len() {
            return Ok(None);
        }
        self.buf.advance(count);
        self.preface = false;
        Ok(Some(Item::Preface))
    }

    /// What the next frame may be.
    fn check(&self, head: Head) -> Result<(), Malformed> {
        let wrong = match (&self.block, head.kind) {
            (Some((_, _, wire)), kind::CONTINUATION) if wire.len() + head.len > BLOCK => {
                Some("a block of headers is too large")
            }
            (Some((block, ..)), kind::CONTINUATION) if block.stream == head.stream => None,
            (Some(_), _) => Some("a block of headers is interrupted"),
            (None, kind::CONTINUATION) => Some("a CONTINUATION continues nothing"),
            (None, kind::DATA | kind::HEADERS | kind::RST_STREAM | kind::PUSH_PROMISE)
                if head.stream == 0 =>
            {
                Some("a frame of a stream names no stream")
            }
            (None, kind::RST_STREAM | kind::WINDOW_UPDATE) if head.len != 4 => {
                Some("a frame of a wrong length")
            }
            (None, kind::SETTINGS) if !head.len.is_multiple_of(6) || head.stream != 0 => {
                Some("malformed SETTINGS")
            }
            (None, kind::PING) if head.len != 8 => Some("a frame of a wrong length"),
            _ => None,
        };
        match wrong {
            None if self.buf[HEAD - 4] & 0x80 != 0 => Err(Malformed("a reserved bit is set")),
            Some(why) => Err(Malformed(why)),
            None if head.kind != kind::DATA && head.len > FRAME => Err(Malformed("a frame is too large")),
            None if head.kind == kind::DATA && head.has(flag::PADDED) && head.len == 0 => {
                Err(Malformed("a frame of a wrong length"))
            }
            None => Ok(()),
        }
    }

    fn headers(&mut self, head: Head, wire: &Bytes) -> Result<Option<RawBlock>, Malformed> {
        const SHORT: Malformed = Malformed("a block of headers is shorter than it says");
        let mut payload = wire.slice(HEAD..);
        let (mut block, mut fields, mut all) = if let Some(open) = self.block.take() {
            open
        } else {
            let pad = if head.has(flag::PADDED) { payload.try_get_u8().map_err(|_| SHORT)? } else { 0 };
            let mut block = RawBlock {
                stream: head.stream,
                end_stream: false,
                priority: None,
                promised: None,
                fields: Bytes::new(),
                wire: Bytes::new(),
            };
            if head.kind == kind::PUSH_PROMISE {
                block.promised = Some(payload.try_get_u32().map_err(|_| SHORT)? & (u32::MAX >> 1));
            } else {
                block.end_stream = head.has(flag::END_STREAM);
                if head.has(flag::PRIORITY) {
                    let mut priority = [0; 5];
                    payload.try_copy_to_slice(&mut priority).map_err(|_| SHORT)?;
                    block.priority = Some(priority);
                }
            }
            let len = payload.len().checked_sub(usize::from(pad)).ok_or(SHORT)?;
            payload.truncate(len);
            (block, BytesMut::new(), BytesMut::new())
        };
        fields.extend_from_slice(&payload);
        all.extend_from_slice(wire);
        if head.has(flag::END_HEADERS) {
            (block.fields, block.wire) = (fields.freeze(), all.freeze());
            return Ok(Some(block));
        }
        self.block = Some((block, fields, all));
        Ok(None)
    }
}

/// Whether this can be how a side begins, with SETTINGS. Told by its first bytes, so that a node of another protocol
/// that speaks first, and briefly, is not kept waiting.
fn begins(buf: &[u8]) -> bool {
    buf.first().is_none_or(|len| *len == 0) && buf.get(3).is_none_or(|kind| *kind == kind::SETTINGS)
}

// === impl Body ===

impl Body {
    /// The next part, and whether it is the last. The padding goes with the last one, so that both sides count the same
    /// for flow control.
    fn next(&mut self, buf: &mut BytesMut) -> Option<(Frame, bool)> {
        const PART: usize = PAYLOAD - 1 - u8::MAX as usize;
        let last = self.left <= PART;
        let data = self.left.min(PART);
        let padded = last && self.flags & flag::PADDED != 0;
        if buf.len() < data + if last { self.pad } else { 0 } {
            return None;
        }
        let flags = if last { self.flags } else { self.flags & !(flag::END_STREAM | flag::PADDED) };
        let mut payload = BytesMut::with_capacity(1 + data + self.pad);
        if padded {
            payload.extend_from_slice(&[self.pad as u8]);
        }
        payload.extend_from_slice(&buf.split_to(data));
        if last {
            payload.extend_from_slice(&buf.split_to(self.pad));
        }
        self.left -= data;
        Some((Frame::new(kind::DATA, flags, self.stream, payload.freeze()), last))
    }

    /// The head of what will never be whole.
    fn rest(self, out: &mut BytesMut) {
        let padded = self.flags & flag::PADDED != 0;
        let len = self.left + self.pad + usize::from(padded);
        Head { len, kind: kind::DATA, flags: self.flags, stream: self.stream }.write(out);
        if padded {
            out.extend_from_slice(&[self.pad as u8]);
        }
    }
}
