//! Blocks of headers, in the clear and on the wire.
//!
//! HPACK is a state that both ends of a direction keep: a block that is dropped, held or overtaken spoils all that come
//! after it. So every block is decoded, in the order of its arrival, and written anew without that state: literals that
//! are not indexed, behind a table of size 0.

use bytes::{BufMut, BytesMut};
use loona_hpack::decoder::Decoder;
use loona_hpack::encoder::encode_integer_into;

use super::Malformed;
use super::frame::{Head, PAYLOAD, flag, kind};
use super::reader::RawBlock;

/// The largest list that is kept, names and values and 32 bytes for each. Bounds what a small block can unfold to.
const LIST: usize = 1 << 20;
/// The largest table that a sender may use. It is what a receiver has allowed; browsers allow 64 KiB.
const TABLE: usize = 1 << 20;
/// The table's size is 0 from here on. Said in front of each block, since a receiver that has changed its own limit
/// waits for an answer.
const NO_TABLE: u8 = 0x20;

/// Names and values, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(Vec<u8>, Vec<u8>)>);

/// A block of headers as it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) stream: u32,
    pub(super) end_stream: bool,
    pub(super) priority: Option<[u8; 5]>,
    pub(super) promised: Option<u32>,
    pub(super) fields: Fields,
    /// Its bytes on the wire, as they arrived.
    pub(super) arrived: usize,
}

/// The state of one direction.
pub(super) struct Hpack(Decoder<'static>);

// === impl Hpack ===

impl Default for Hpack {
    fn default() -> Self {
        let mut decoder = Decoder::new();
        decoder.set_max_allowed_table_size(TABLE);
        Self(decoder)
    }
}

impl Hpack {
    pub(super) fn decode(&mut self, raw: &RawBlock) -> Result<Block, Malformed> {
        let mut fields = vec![];
        let mut size = 0;
        let decoded = self.0.decode_with_cb(&raw.fields, |name, value| {
            size += name.len() + value.len() + 32;
            if size <= LIST {
                fields.push((name.into_owned(), value.into_owned()));
            }
        });
        match decoded {
            Ok(()) if size > LIST => Err(Malformed("a list of headers is too large")),
            Err(_) => Err(Malformed("a block of headers cannot be decoded")),
            Ok(()) => Ok(Block {
                stream: raw.stream,
                end_stream: raw.end_stream,
                priority: raw.priority,
                promised: raw.promised,
                fields: Fields(fields),
                arrived: raw.wire.len(),
            }),
        }
    }
}

impl std::fmt::Debug for Hpack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hpack")
    }
}

// === impl Fields ===

impl Fields {
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(of, _)| of == name.as_bytes()).map(|(_, value)| &value[..])
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = vec![NO_TABLE];
        for (name, value) in &self.0 {
            out.push(0);
            for text in [name, value] {
                encode_integer_into(text.len(), 7, 0, &mut out).expect("a vector takes all");
                out.extend_from_slice(text);
            }
        }
        out
    }
}

impl From<Vec<(Vec<u8>, Vec<u8>)>> for Fields {
    fn from(fields: Vec<(Vec<u8>, Vec<u8>)>) -> Self {
        Self(fields)
    }
}

// === impl Block ===

impl Block {
    /// As HEADERS or `PUSH_PROMISE`, and as many CONTINUATIONs as it takes.
    pub(super) fn write(&self, out: &mut BytesMut) {
        let mut first = BytesMut::new();
        let (mut kind, mut flags) = (kind::HEADERS, 0);
        if let Some(promised) = self.promised {
            kind = kind::PUSH_PROMISE;
            first.put_u32(promised);
        } else {
            if self.end_stream {
                flags |= flag::END_STREAM;
            }
            if let Some(priority) = self.priority {
                flags |= flag::PRIORITY;
                first.put_slice(&priority);
            }
        }
        first.extend_from_slice(&self.fields.encode());
        let mut rest = first;
        loop {
            let part = rest.split_to(rest.len().min(PAYLOAD));
            let end = if rest.is_empty() { flag::END_HEADERS } else { 0 };
            Head { len: part.len(), kind, flags: flags | end, stream: self.stream }.write(out);
            out.extend_from_slice(&part);
            if rest.is_empty() {
                return;
            }
            (kind, flags) = (kind::CONTINUATION, 0);
        }
    }
}
