//! The toxics that lose nothing.

use std::time::Duration;

use unstuck_proxy::Toxic;
use unstuck_proxy::toxic::h2::{Delay, H2, Hold, MaxStreams, Part, Paths};
use unstuck_proxy::toxic::{Kind, Stream};

pub(crate) fn toxic(stream: Stream, what: H2) -> Toxic {
    Toxic { stream, ..Toxic::new(Kind::H2(what)) }
}

/// Each part that streams of both programs have, in each direction.
pub(crate) const PARTS: [(Stream, Part); 4] = [
    (Stream::Upstream, Part::Headers),
    (Stream::Upstream, Part::Data),
    (Stream::Downstream, Part::Headers),
    (Stream::Downstream, Part::Data),
];

/// Named, of streams of `path`. Those that hold have to be taken out for the client to end.
pub(crate) fn harmless(path: &Paths) -> Vec<(String, Toxic)> {
    let mut all = vec![
        ("drop_ping_acks".to_owned(), toxic(Stream::Downstream, H2::DropPingAcks)),
        ("max_streams".to_owned(), toxic(Stream::Downstream, H2::MaxStreams(MaxStreams { limit: 3 }))),
    ];
    for (stream, part) in PARTS {
        let way = if stream == Stream::Upstream { "up" } else { "down" };
        let delay = Delay { path: path.clone(), part, delay: Duration::from_millis(15) };
        all.push((format!("delay_{part:?}_{way}").to_lowercase(), toxic(stream, H2::Delay(delay))));
        let hold = Hold { path: path.clone(), part };
        all.push((format!("hold_{part:?}_{way}").to_lowercase(), toxic(stream, H2::Hold(hold))));
    }
    all
}

pub(crate) fn holds(toxic: &Toxic) -> bool {
    matches!(toxic.kind, Kind::H2(H2::Hold(_)))
}
