//! gRPC's frames: five bytes (compressed or not, length), then the message.

/// Bytes before a message.
const HEAD: usize = 5;

/// Finds the ends of messages in chunks of a stream, without looking into them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frames {
    head: [u8; HEAD],
    /// Bytes of `head` that have come.
    have: u8,
    /// Bytes of the message that are to come, once the head is whole.
    left: u32,
}

impl Frames {
    /// Takes up a chunk, but stops behind `most` ends of messages. Returns how many ends there were, and how far it got.
    pub(super) fn advance(&mut self, chunk: &[u8], most: u64) -> (u64, usize) {
        let (mut ends, mut at) = (0, 0);
        while ends < most && at < chunk.len() {
            let have = usize::from(self.have);
            if have < HEAD {
                self.head[have] = chunk[at];
                (self.have, at) = (self.have + 1, at + 1);
                if have + 1 == HEAD {
                    let [_, a, b, c, d] = self.head;
                    self.left = u32::from_be_bytes([a, b, c, d]);
                }
            } else {
                let step = (self.left as usize).min(chunk.len() - at);
                (self.left, at) = (self.left - step as u32, at + step);
            }
            if usize::from(self.have) == HEAD && self.left == 0 {
                self.have = 0;
                ends += 1;
            }
        }
        (ends, at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
        let frame = |message: &Vec<u8>| {
            let length = (message.len() as u32).to_be_bytes();
            [&[0][..], &length, message].concat()
        };
        messages.iter().flat_map(frame).collect()
    }

    #[test]
    fn it_stops_behind_the_message_it_is_told() {
        let bytes = framed(&[b"abc".to_vec(), vec![], b"d".to_vec()]);
        for (most, end) in [(0, 0), (1, 8), (2, 13), (3, 19), (9, 19)] {
            assert_eq!(Frames::default().advance(&bytes, most), (most.min(3), end));
        }
    }

    proptest! {
        #[test]
        fn messages_are_counted_however_they_are_cut(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
            cuts in prop::collection::vec(1..30_usize, 1..50),
        ) {
            let bytes = framed(&messages);
            let (mut frames, mut rest, mut ends) = (Frames::default(), &bytes[..], 0);
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (chunk, behind) = rest.split_at((*cut).min(rest.len()));
                let (found, got) = frames.advance(chunk, u64::MAX);
                prop_assert_eq!(got, chunk.len());
                (ends, rest) = (ends + found, behind);
            }
            prop_assert_eq!(ends, messages.len() as u64);
        }

        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>, most in 0..5_u64) {
            let (ends, got) = Frames::default().advance(&bytes, most);
            prop_assert!(ends <= most && got <= bytes.len());
        }
    }
}
