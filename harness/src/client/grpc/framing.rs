//! gRPC messages in DATA frames: one byte of flags, four of length, the message.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;
use tonic::Status;

/// grpc-go's default for a received message.
const MAX_RECEIVED: usize = 4 << 20;
const PREFIX: usize = 5;

/// A message with its prefix.
pub(super) fn encode(message: &impl Message) -> Result<Bytes, Status> {
    let length = message.encoded_len();
    if i32::try_from(length).is_err() {
        let max = i32::MAX;
        return Err(Status::resource_exhausted(format!(
            "trying to send message larger than max ({length} vs. {max})"
        )));
    }
    let mut frame = BytesMut::with_capacity(PREFIX + length);
    frame.put_u8(0);
    frame.put_u32(length as u32);
    message
        .encode(&mut frame)
        .map_err(|error| Status::internal(format!("grpc: error while marshaling: {error}")))?;
    Ok(frame.freeze())
}

/// Puts messages together from DATA frames, wherever those are cut.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    buffer: BytesMut,
}

impl Decoder {
    /// Takes in what a DATA frame carried.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }
    /// Whether it holds the beginning of a message.
    pub(super) fn is_partial(&self) -> bool {
        !self.buffer.is_empty()
    }
    /// The next whole message, if it is there. Refuses a message that is too large before it has arrived.
    pub(super) fn next<M: Message + Default>(&mut self) -> Result<Option<M>, Status> {
        let Some(mut prefix) = self.buffer.get(..PREFIX) else { return Ok(None) };
        let flags = prefix.get_u8();
        let length = prefix.get_u32() as usize;
        match flags {
            0 => {}
            1 => return Err(Status::internal("grpc: compressed flag set with identity or empty encoding")),
            other => {
                return Err(Status::internal(format!("grpc: received unexpected payload format {other}")));
            }
        }
        if length > MAX_RECEIVED {
            return Err(Status::resource_exhausted(format!(
                "grpc: received message larger than max ({length} vs. {MAX_RECEIVED})"
            )));
        }
        if self.buffer.len() < PREFIX + length {
            return Ok(None);
        }
        self.buffer.advance(PREFIX);
        let message = M::decode(self.buffer.split_to(length).freeze());
        message.map(Some).map_err(|error| {
            Status::internal(format!("grpc: failed to unmarshal the received message: {error}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn messages_survive_any_cut(
            sent in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8),
            cut in 1usize..50,
        ) {
            let wire: Vec<u8> = sent.iter().flat_map(|message| encode(message).unwrap()).collect();
            let mut decoder = Decoder::default();
            let mut received: Vec<Vec<u8>> = vec![];
            for chunk in wire.chunks(cut) {
                decoder.push(chunk);
                while let Some(message) = decoder.next().unwrap() {
                    received.push(message);
                }
            }
            prop_assert_eq!(received, sent);
            prop_assert!(!decoder.is_partial());
        }

        #[test]
        fn foreign_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut decoder = Decoder::default();
            decoder.push(&bytes);
            while let Ok(Some(_)) = decoder.next::<Vec<u8>>() {}
        }
    }

    #[test]
    fn an_oversized_message_is_refused_by_its_prefix() {
        let mut decoder = Decoder::default();
        decoder.push(&[0, 0xff, 0xff, 0xff, 0xff]);
        let status = decoder.next::<Vec<u8>>().unwrap_err();
        assert_eq!(status.message(), "grpc: received message larger than max (4294967295 vs. 4194304)");
    }
}
