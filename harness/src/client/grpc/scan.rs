//! Follows HTTP/2 frames through a stream of bytes, wherever it is cut, without keeping them.

const HEAD: usize = 9;
/// A stream's id has 31 bits; the one above is reserved.
const RESERVED: u32 = (1 << 31) - 1;
/// As much of a payload as anybody asks for: GOAWAY's last stream and code.
const KEPT: usize = 8;

/// The kinds of frame (RFC 9113, section 6) that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Settings,
    GoAway,
    Other,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A frame's head passed: kind, stream, length of the payload.
    Begun(Kind, u32, u32),
    /// The whole frame passed: kind, first bytes of the payload.
    Ended(Kind, [u8; KEPT]),
}

/// Where in the frames one direction stands.
#[derive(Debug)]
pub(super) struct Scanner {
    skip: usize,
    head: [u8; HEAD],
    have: usize,
    payload: usize,
    kept: [u8; KEPT],
    kept_len: usize,
}

impl Scanner {
    /// Frames begin after `skip` bytes.
    pub(super) fn after(skip: usize) -> Self {
        Self { skip, head: [0; HEAD], have: 0, payload: 0, kept: [0; KEPT], kept_len: 0 }
    }

    /// Goes on with `bytes`.
    pub(super) fn scan(&mut self, mut bytes: &[u8], mut on: impl FnMut(Event)) {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        bytes = &bytes[skipped..];
        while !bytes.is_empty() {
            if self.have < HEAD {
                let taken = (HEAD - self.have).min(bytes.len());
                self.head[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
                self.have += taken;
                bytes = &bytes[taken..];
                if self.have < HEAD {
                    return;
                }
                self.begin(&mut on);
            } else {
                let taken = self.payload.min(bytes.len());
                let keep = (KEPT - self.kept_len).min(taken);
                self.kept[self.kept_len..self.kept_len + keep].copy_from_slice(&bytes[..keep]);
                self.kept_len += keep;
                self.payload -= taken;
                bytes = &bytes[taken..];
            }
            if self.payload == 0 {
                on(Event::Ended(self.kind(), self.kept));
                self.have = 0;
            }
        }
    }

    fn begin(&mut self, on: &mut impl FnMut(Event)) {
        let length = self.head[..3].iter().fold(0, |length, &byte| length << 8 | u32::from(byte));
        let stream = self.head[5..].iter().fold(0, |stream, &byte| stream << 8 | u32::from(byte));
        self.payload = length as usize;
        self.kept = [0; KEPT];
        self.kept_len = 0;
        on(Event::Begun(self.kind(), stream & RESERVED, length));
    }

    fn kind(&self) -> Kind {
        match self.head[3] {
            0 => Kind::Data,
            1 => Kind::Headers,
            4 => Kind::Settings,
            7 => Kind::GoAway,
            _ => Kind::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frames_are_found_however_the_bytes_are_cut() {
        let mut bytes = vec![b'p'; 3];
        bytes.extend([0, 0, 0, 4, 1, 0, 0, 0, 0]);
        bytes.extend([0, 0, 3, 0, 1, 0x80, 0, 0, 7, 1, 2, 3]);
        let expected = [
            Event::Begun(Kind::Settings, 0, 0),
            Event::Ended(Kind::Settings, [0; 8]),
            Event::Begun(Kind::Data, 7, 3),
            Event::Ended(Kind::Data, [1, 2, 3, 0, 0, 0, 0, 0]),
        ];
        for cut in 1..=bytes.len() {
            let mut scanner = Scanner::after(3);
            let mut seen = vec![];
            bytes.chunks(cut).for_each(|chunk| scanner.scan(chunk, |event| seen.push(event)));
            assert_eq!(seen, expected, "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn foreign_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            Scanner::after(0).scan(&bytes, |_| {});
        }
    }
}
