//! Sessions under hostile input, and what they let through unaltered.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use tokio::time::Instant;

use super::choice::{Part, Paths};
use super::fields::Block;
use super::frame::{Frame, Head, PREFACE, flag, kind};
use super::session::Session;
use super::watched::Watched;
use super::{Delay, Goaway, H2, Hold, MaxStreams, Refuse, Reset, Status};
use crate::ledger::{Cause, Tally};
use crate::toxic::stage::{End, Next, Piece, Stage};
use crate::toxic::{InForce, Kind, Stream, Toxic};

/// A session and its two stages, without sockets.
struct Bare {
    session: Session,
    stages: [Box<dyn Stage>; 2],
    watched: Arc<Watched>,
    tally: Arc<Tally>,
    out: [Vec<u8>; 2],
    ends: [Option<End>; 2],
    /// The most that was ever kept.
    most: usize,
}

impl Bare {
    fn new(toxics: Vec<Toxic>) -> Self {
        let watched = Arc::<Watched>::default();
        let session = Session::new(Arc::clone(&watched));
        let tally = Arc::<Tally>::default();
        let stages = session.stages();
        let bare = Self {
            session,
            stages,
            watched,
            tally,
            out: <[Vec<u8>; 2]>::default(),
            ends: [None; 2],
            most: 0,
        };
        bare.meet(toxics);
        bare
    }

    fn meet(&self, toxics: Vec<Toxic>) {
        let now = Instant::now();
        let in_force = |(at, toxic): (usize, Toxic)| {
            let tally = Arc::clone(&self.tally);
            let id = at as u64 + 1;
            Arc::new(InForce {
                id,
                revision: 0,
                toxic,
                cause: Cause::Toxic(id),
                tally,
                since: now,
                over: false,
            })
        };
        let toxics: Vec<_> = toxics.into_iter().enumerate().map(in_force).collect();
        self.session.meet(&toxics, now);
    }

    fn push(&mut self, way: usize, bytes: &[u8]) {
        let now = Instant::now();
        self.stages[way].push(Piece::Data(Bytes::copy_from_slice(bytes)), now, &Tally::default());
        self.drain();
    }

    fn end(&mut self) {
        for way in [0, 1] {
            self.stages[way].push(Piece::End(End::Fin), Instant::now(), &Tally::default());
        }
        self.drain();
    }

    fn drain(&mut self) {
        self.most = self.most.max(self.stages.iter().map(|stage| stage.held()).sum());
        for _ in 0..2 {
            for way in [0, 1] {
                loop {
                    match self.stages[way].next(Instant::now(), &Tally::default()) {
                        Next::Piece(Piece::Data(bytes)) => self.out[way].extend_from_slice(&bytes),
                        Next::Piece(Piece::End(end)) => self.ends[way] = Some(end),
                        Next::Idle(_) => break,
                    }
                }
            }
        }
    }
}

fn headers(stream: u32, fields: &[(&str, &str)], end_stream: bool) -> Vec<u8> {
    let fields: Vec<(Vec<u8>, Vec<u8>)> =
        fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let block =
        Block { stream, end_stream, priority: None, promised: None, fields: fields.into(), arrived: 0 };
    let mut out = BytesMut::new();
    block.write(&mut out);
    out.to_vec()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    Frame::new(kind, flags, stream, payload.to_vec()).write(&mut out);
    out.to_vec()
}

fn head(kind: u8, flags: u8, stream: u32, len: usize) -> Vec<u8> {
    let mut out = BytesMut::new();
    Head { len, kind, flags, stream }.write(&mut out);
    out.to_vec()
}

fn hello() -> Vec<u8> {
    [PREFACE, &frame(kind::SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0])].concat()
}

/// What a client and a node say in three calls.
fn conversation() -> [Vec<u8>; 2] {
    let (mut up, mut down) = (hello(), frame(kind::SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]));
    up.extend(frame(kind::SETTINGS, flag::ACK, 0, &[]));
    down.extend(frame(kind::SETTINGS, flag::ACK, 0, &[]));
    for stream in [1, 3, 5] {
        up.extend(headers(stream, &[(":method", "POST"), (":path", "/a/b")], false));
        up.extend(frame(kind::DATA, flag::PADDED, stream, &[3, b'x', b'y', 0, 0, 0]));
        up.extend(frame(kind::WINDOW_UPDATE, 0, stream, &[0, 0, 1, 0]));
        up.extend(frame(kind::DATA, flag::END_STREAM, stream, b"bye"));
        down.extend(headers(stream, &[(":status", "200")], false));
        down.extend(frame(kind::PING, flag::ACK, 0, &[7; 8]));
        down.extend(frame(kind::DATA, 0, stream, &[1; 300]));
        down.extend(headers(stream, &[("grpc-status", "0")], true));
    }
    up.extend(frame(kind::RST_STREAM, 0, 5, &[0, 0, 0, 8]));
    down.extend(frame(kind::GOAWAY, 0, 0, &[0; 8]));
    [up, down]
}

/// Pieces of the given sizes, over and over.
fn pieces<'a>(bytes: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut at = 0;
    let mut sizes = sizes.iter().cycle();
    std::iter::from_fn(move || {
        let end = bytes.len().min(at + sizes.next()?.max(&1));
        let piece = &bytes[at..end];
        at = end;
        (!piece.is_empty()).then_some(piece)
    })
}

fn any_toxic() -> impl Strategy<Value = Toxic> {
    let path =
        prop_oneof![Just(Paths::Any), Just(Paths::Prefix("/a".to_owned())), Just(Paths::Exact("/z".into()))];
    let part = prop_oneof![Just(Part::Headers), Just(Part::Data), Just(Part::Trailers)];
    let what = (path, part, 0u8..9, 0u64..3).prop_map(|(path, part, which, nth)| match which {
        0 => H2::DropPingAcks,
        1 | 2 => H2::Hold(Hold { path, part }),
        3 => H2::Delay(Delay { path, part, ..Delay::default() }),
        4 => H2::Refuse(Refuse { path, nth, ..Refuse::default() }),
        5 => H2::Reset(Reset { path, nth, part, ..Reset::default() }),
        6 => H2::Status(Status { path, nth, ..Status::default() }),
        7 => H2::Goaway(Goaway { after_streams: nth, ..Goaway::default() }),
        _ => H2::MaxStreams(MaxStreams { limit: nth as u32 }),
    });
    (what, any::<bool>()).prop_map(|(what, up)| Toxic {
        stream: if up { Stream::Upstream } else { Stream::Downstream },
        ..Toxic::new(Kind::H2(what))
    })
}

proptest! {
    /// Whatever it is, whole or broken or something else: what is only read is not altered.
    #[test]
    fn what_is_only_read_passes_byte_by_byte(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        random in prop::collection::vec(any::<u8>(), 0..200),
        which in 0u8..3,
        sizes in prop::collection::vec(1usize..400, 1..5),
    ) {
        let mut says = conversation();
        for (at, byte) in changes {
            for side in &mut says {
                let at = at.index(side.len());
                side[at] = byte;
            }
        }
        match which {
            0 => says[0] = random,
            1 => says[0].extend(random),
            _ => {}
        }
        let mut bare = Bare::new(vec![]);
        for way in [0, 1] {
            for piece in pieces(&says[way], &sizes) {
                bare.push(way, piece);
            }
        }
        bare.end();
        prop_assert_eq!(bare.ends, [Some(End::Fin); 2]);
        prop_assert!(bare.out[0] == says[0] && bare.out[1] == says[1], "{:?}", bare.watched.get());
    }

    /// No panic, nothing piles up, and without the toxics all ends.
    #[test]
    fn hostile_bytes_through_any_toxics_are_survived(
        toxics in prop::collection::vec(any_toxic(), 0..5),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        sizes in prop::collection::vec(1usize..400, 1..5),
        down_first in any::<bool>(),
    ) {
        let mut says = conversation();
        for (at, byte) in changes {
            let side = &mut says[usize::from(byte & 1)];
            let at = at.index(side.len());
            side[at] = byte;
        }
        let mut bare = Bare::new(toxics);
        for way in if down_first { [1, 0] } else { [0, 1] } {
            for piece in pieces(&says[way], &sizes) {
                bare.push(way, piece);
            }
        }
        prop_assert!(bare.most < 8 << 10, "{}", bare.most);
        bare.meet(vec![]);
        bare.end();
        prop_assert_eq!(bare.ends, [Some(End::Fin); 2]);
        prop_assert_eq!(bare.stages.iter().map(|stage| stage.held()).sum::<usize>(), 0);
    }
}

#[test]
fn endless_continuations_are_given_up_and_pass() {
    let mut bare = Bare::new(vec![Toxic::new(Kind::H2(H2::Hold(Hold::default())))]);
    bare.push(0, &hello());
    bare.push(0, &frame(kind::HEADERS, 0, 1, &[]));
    for _ in 0..2000 {
        bare.push(0, &frame(kind::CONTINUATION, 0, 1, &[0; 1000]));
    }
    assert!(bare.most < 300 << 10, "{}", bare.most);
    assert_eq!(bare.watched.get().unread, Some("a block of headers is too large"));
    assert!(bare.out[0].len() > 2000 * 1000, "all of it has passed");
}

#[test]
fn a_small_block_that_unfolds_to_much_is_given_up() {
    let mut bare = Bare::new(vec![]);
    bare.push(0, &hello());
    // an entry of 4,000 bytes into the table, and then its number 60,000 times
    let mut block = vec![0x40, 1, b'x', 0x7f, 0xa1, 0x1e];
    block.extend([b'y'; 4000]);
    block.extend(vec![0xbe; 60_000]);
    let flags = flag::END_HEADERS | flag::END_STREAM;
    let bomb = [head(kind::HEADERS, flags, 1, block.len()), block].concat();
    bare.push(0, &bomb);
    assert_eq!(bare.watched.get().unread, Some("a list of headers is too large"));
    assert!(bare.out[0].ends_with(&bomb));
}

#[test]
fn a_frame_of_data_of_any_size_arrives_in_parts_with_its_padding() {
    for (padded, len) in [(false, 16_384), (false, 16_385), (true, 16_500), (true, 1 << 20)] {
        let mut bare = Bare::new(vec![Toxic::new(Kind::H2(H2::DropPingAcks))]);
        bare.push(0, &hello());
        bare.push(0, &headers(1, &[(":path", "/")], false));
        let before = bare.out[0].len();
        let flags = flag::END_STREAM | if padded { flag::PADDED } else { 0 };
        let mut large = head(kind::DATA, flags, 1, len);
        large.extend((0..len).map(|n| n as u8 | 1));
        if padded {
            large[9] = 200;
        }
        for piece in large.chunks(60_000) {
            bare.push(0, piece);
        }
        let (mut controlled, mut data, mut rest) = (0, 0, &bare.out[0][before..]);
        while let Some(part) = Head::read(rest) {
            assert!(part.len <= 16_384);
            controlled += part.len;
            let pad = if part.has(flag::PADDED) { 1 + usize::from(rest[9]) } else { 0 };
            data += part.len - pad;
            rest = &rest[9 + part.len..];
            assert_eq!(part.has(flag::END_STREAM), rest.is_empty(), "the end is at the end");
        }
        assert_eq!(controlled, len, "both sides count the same");
        assert_eq!(data, if padded { len - 201 } else { len });
        assert!(bare.most < 100 << 10, "{}", bare.most);
    }
}

#[test]
fn a_client_that_does_not_read_is_not_answered_without_end() {
    let mut bare = Bare::new(vec![Toxic::new(Kind::H2(H2::Refuse(Refuse::default())))]);
    bare.push(1, &frame(kind::SETTINGS, 0, 0, &[]));
    bare.push(0, &hello());
    let mut stream = 1;
    while bare.stages[0].takes() {
        let opening = headers(stream, &[(":path", "/")], true);
        bare.stages[0].push(Piece::Data(opening.into()), Instant::now(), &Tally::default());
        stream += 2;
        assert!(stream < 100_000, "its answers pile up");
    }
}
