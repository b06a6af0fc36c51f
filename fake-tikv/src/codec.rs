//! How messages become bytes: tonic's prost codec, with buffers that begin small.
//!
//! Tonic's begins with 8 KiB a direction of every call. Most messages here have less than 200 bytes, and a client that
//! leaks streams leaks them by the ten thousand: a buffer that grows with its messages is cheaper in time and in memory.

use std::marker::PhantomData;

use prost::Message;
use tonic::codec::{BufferSettings, Codec};
use tonic_prost::ProstCodec;

/// Bytes to begin with: a page of regions grows it once, everything else fits.
const BUFFER: usize = 512;
/// Bytes of ready messages that leave together; tonic's default.
const YIELD: usize = 32 << 10;

/// Encodes `T`, decodes `U`.
#[derive(Debug)]
pub(crate) struct SmallBuffers<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for SmallBuffers<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for SmallBuffers<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = <ProstCodec<T, U> as Codec>::Encoder;
    type Decoder = <ProstCodec<T, U> as Codec>::Decoder;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::new(BUFFER, YIELD))
    }
    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<T, U>::raw_decoder(BufferSettings::new(BUFFER, YIELD))
    }
}
