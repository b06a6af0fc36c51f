//! What the toxics do that know HTTP/2: the real HTTP/2 stack on both sides. Times are exact in the sim.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{PingPong, Reason};
use proptest::prelude::*;
use tokio::time::{Instant, timeout};
use unstuck_net::{Conn, Net};
use unstuck_proxy::toxic::h2::{Delay, ErrorCode, Goaway, H2, Hold, MaxStreams, Part, Refuse, Reset};
use unstuck_proxy::toxic::{Kind, Latency, Only, Stream};
use unstuck_proxy::{Placed, Toxic};

use crate::path::*;

/// A body that fills a default window, so that one that is lost is missed.
const LARGE: usize = 60_000;

pub(crate) fn toxic(stream: Stream, what: H2) -> Toxic {
    Toxic { stream, ..Toxic::new(Kind::H2(what)) }
}

fn hold(stream: Stream, part: Part) -> Toxic {
    toxic(stream, H2::Hold(Hold { path: "/held".parse().unwrap(), part }))
}

/// What a node has seen.
#[derive(Debug, Default)]
struct Seen {
    /// How each stream ended, by path.
    ends: BTreeMap<String, Vec<&'static str>>,
    open: usize,
    most: usize,
}

/// A client, a link and a node that sends back what it is sent.
struct Talk {
    path: Path,
    client: SendRequest<Bytes>,
    pings: Option<PingPong>,
    seen: Arc<Mutex<Seen>>,
    placed: Vec<Placed>,
}

impl Talk {
    /// `toxics` are there before the connection.
    async fn with(net: &Net, toxics: impl IntoIterator<Item = Toxic>) -> Self {
        let path = Path::new(net);
        let placed = toxics.into_iter().map(|toxic| path.proxy.add(toxic).unwrap()).collect();
        Self::over(path, placed).await
    }

    async fn over(mut path: Path, placed: Vec<Placed>) -> Self {
        let conn = path.connect().await.unwrap();
        let seen = Arc::<Mutex<Seen>>::default();
        tokio::spawn(serve(path.arrival().await, Arc::clone(&seen)));
        let (client, mut driver) = soon(h2::client::handshake(conn)).await.unwrap();
        let pings = driver.ping_pong();
        tokio::spawn(driver);
        Self { path, client, pings, seen, placed }
    }

    /// What was said before has been heard.
    async fn ping(&mut self) {
        soon(self.pings.as_mut().unwrap().ping(h2::Ping::opaque())).await.unwrap();
    }

    fn add(&mut self, toxic: Toxic) {
        self.placed.push(self.path.proxy.add(toxic).unwrap());
    }

    async fn heal(&mut self) {
        self.placed.clear();
        tokio::task::yield_now().await;
    }

    async fn echo(&self, path: &str, len: usize) -> Result<usize, h2::Error> {
        echo(&self.client, path, Bytes::from(vec![7; len])).await
    }

    /// Nothing that came before has spoilt the connection, its windows among it.
    async fn is_healthy(&self) {
        for _ in 0..3 {
            assert_eq!(soon(self.echo("/healthy", LARGE)).await.unwrap(), LARGE);
        }
        assert_eq!(self.open_streams(), 0);
        assert_eq!(self.seen.lock().unwrap().open, 0, "the node keeps no stream");
    }

    fn open_streams(&self) -> u64 {
        self.path.proxy.stats().streams
    }

    fn ends(&self, path: &str) -> Vec<&'static str> {
        self.seen.lock().unwrap().ends.get(path).cloned().unwrap_or_default()
    }
}

/// Sends back each body, until the connection ends.
async fn serve(conn: Conn, seen: Arc<Mutex<Seen>>) {
    let mut conn = h2::server::handshake(conn).await.unwrap();
    while let Some(Ok((request, respond))) = conn.accept().await {
        let path = request.uri().path().to_owned();
        {
            let mut seen = seen.lock().unwrap();
            seen.open += 1;
            seen.most = seen.most.max(seen.open);
        }
        let seen = Arc::clone(&seen);
        tokio::spawn(async move {
            let ended = answer(request, respond).await;
            let mut seen = seen.lock().unwrap();
            seen.open -= 1;
            let end = if ended.is_ok() { "answered" } else { "reset" };
            seen.ends.entry(path).or_default().push(end);
        });
    }
}

async fn answer(
    request: http::Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
) -> Result<(), h2::Error> {
    let mut body = request.into_body();
    let mut answer = respond.send_response(http::Response::new(()), false)?;
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        answer.send_data(data, false)?;
    }
    let trailers = http::HeaderMap::from_iter([("the-end".parse().unwrap(), "1".parse().unwrap())]);
    answer.send_trailers(trailers)
}

/// How much came back; all of it is what was sent.
async fn echo(client: &SendRequest<Bytes>, path: &str, says: Bytes) -> Result<usize, h2::Error> {
    let mut client = client.clone().ready().await?;
    let request = http::Request::post(format!("http://node{path}")).body(()).unwrap();
    let (response, mut body) = client.send_request(request, false)?;
    body.send_data(says.clone(), true)?;
    let mut body = response.await?.into_body();
    let mut heard = 0;
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        assert!(data == says[heard..heard + data.len()], "what comes back is what was sent");
        heard += data.len();
    }
    let trailers = body.trailers().await?.expect("the node sends them");
    assert_eq!(trailers["the-end"], "1");
    Ok(heard)
}

// === PING ===

#[test]
fn ping_acks_are_dropped_and_nothing_else() {
    in_both(async |net| {
        let mut talk = Talk::with(&net, [toxic(Stream::Downstream, H2::DropPingAcks)]).await;
        let mut pings = talk.pings.take().unwrap();
        let ping = pings.ping(h2::Ping::opaque());
        tokio::pin!(ping);
        assert!(timeout(50 * MS, &mut ping).await.is_err(), "no answer");
        talk.is_healthy().await;
        assert_eq!(talk.placed[0].evidence().bytes, 17, "one frame of 9 and 8 bytes");
        talk.heal().await;
        assert!(timeout(50 * MS, &mut ping).await.is_err(), "what is dropped does not come back");
    });
}

#[test]
fn ping_acks_pass_when_their_toxic_is_of_the_other_direction() {
    in_both(async |net| {
        let mut talk = Talk::with(&net, [toxic(Stream::Upstream, H2::DropPingAcks)]).await;
        talk.ping().await;
        assert!(!talk.placed[0].evidence().touched());
    });
}

// === hold and delay ===

#[test]
fn what_is_held_waits_for_the_heal_and_other_streams_do_not() {
    let parts = [
        (Stream::Upstream, Part::Data),
        (Stream::Downstream, Part::Headers),
        (Stream::Downstream, Part::Data),
        (Stream::Downstream, Part::Trailers),
    ];
    for (stream, part) in parts {
        in_both(async |net| {
            let mut talk = Talk::with(&net, [hold(stream, part)]).await;
            let client = talk.client.clone();
            let held = tokio::spawn(async move { echo(&client, "/held", Bytes::from(vec![7; 3000])).await });
            for _ in 0..3 {
                assert_eq!(soon(talk.echo("/other", 3000)).await.unwrap(), 3000, "{part:?}");
            }
            assert!(!held.is_finished(), "{stream:?} {part:?}");
            assert_eq!(talk.open_streams(), 1);
            assert!(talk.placed[0].evidence().touched());
            talk.heal().await;
            assert_eq!(soon(held).await.unwrap().unwrap(), 3000, "{stream:?} {part:?}");
            talk.is_healthy().await;
        });
    }
}

/// Streams are opened in the order of their numbers, or the node ends the connection.
#[test]
fn a_held_request_holds_the_later_ones() {
    in_both(async |net| {
        let mut talk = Talk::with(&net, [hold(Stream::Upstream, Part::Headers)]).await;
        let before = talk.echo("/other", 10).await.unwrap();
        assert_eq!(before, 10);
        let calls = ["/held", "/other", "/held", "/other"].map(|path| {
            let client = talk.client.clone();
            tokio::spawn(async move { echo(&client, path, Bytes::from(vec![7; 9000])).await })
        });
        tokio::time::sleep(50 * MS).await;
        assert!(calls.iter().all(|call| !call.is_finished()));
        assert_eq!(talk.ends("/other"), ["answered"], "that one came before");
        talk.heal().await;
        for call in calls {
            assert_eq!(soon(call).await.unwrap().unwrap(), 9000);
        }
        talk.is_healthy().await;
    });
}

#[test]
fn a_held_stream_that_its_client_gives_up_leaves_nothing_behind() {
    in_both(async |net| {
        let parts = [
            (Stream::Upstream, Part::Headers),
            (Stream::Upstream, Part::Data),
            (Stream::Downstream, Part::Data),
        ];
        for (stream, part) in parts {
            let mut talk = Talk::with(&net, [hold(stream, part)]).await;
            for _ in 0..3 {
                let given_up = timeout(50 * MS, talk.echo("/held", LARGE / 3)).await;
                assert!(given_up.is_err(), "{stream:?} {part:?}");
            }
            talk.heal().await;
            tokio::time::sleep(50 * MS).await;
            talk.is_healthy().await;
        }
    });
}

#[test]
fn a_delay_is_exact_and_of_one_part_only() {
    in_sim(async |net| {
        for stream in [Stream::Upstream, Stream::Downstream] {
            for part in [Part::Headers, Part::Data, Part::Trailers] {
                let delay = Delay { path: "/la*".parse().unwrap(), part, delay: 100 * MS };
                let mut talk = Talk::with(&net, [toxic(stream, H2::Delay(delay))]).await;
                talk.is_healthy().await;
                let took = async |talk: &Talk, path| {
                    let start = Instant::now();
                    talk.echo(path, 100).await.unwrap();
                    start.elapsed()
                };
                let (plain, late) = (took(&talk, "/plain").await, took(&talk, "/late").await);
                // its request has none
                let none = stream == Stream::Upstream && part == Part::Trailers;
                let by = if none { Duration::ZERO } else { 100 * MS };
                assert_eq!(late, plain + by, "{stream:?} {part:?}");
                assert_eq!(talk.placed[0].evidence().touched(), !none, "{stream:?} {part:?}");
                talk.heal().await;
                assert_eq!(took(&talk, "/late").await, plain);
            }
        }
    });
}

#[test]
fn a_shorter_delay_is_for_those_that_wait_too() {
    in_sim(async |net| {
        let delay = |delay| toxic(Stream::Downstream, H2::Delay(Delay { delay, ..Delay::default() }));
        let talk = Talk::with(&net, [delay(Duration::from_secs(3600))]).await;
        let start = Instant::now();
        let shorter = async {
            tokio::time::sleep(100 * MS).await;
            talk.placed[0].update(delay(100 * MS)).unwrap();
        };
        let (answer, ()) = tokio::join!(talk.echo("/", 1), shorter);
        answer.unwrap();
        assert!(start.elapsed() < 250 * MS, "{:?}", start.elapsed());
    });
}

// === refuse and reset ===

fn reason(outcome: Result<usize, h2::Error>) -> Option<Reason> {
    outcome.expect_err("it was ended").reason()
}

#[test]
fn the_second_matching_stream_is_refused_and_the_node_does_not_see_it() {
    in_both(async |net| {
        let refuse = Refuse { path: "/a/*".parse().unwrap(), nth: 2, ..Refuse::default() };
        let talk = Talk::with(&net, [toxic(Stream::Upstream, H2::Refuse(refuse))]).await;
        for path in ["/a/1", "/b"] {
            assert_eq!(soon(talk.echo(path, LARGE)).await.unwrap(), LARGE);
        }
        assert_eq!(reason(soon(talk.echo("/a/2", LARGE)).await), Some(Reason::REFUSED_STREAM));
        assert_eq!(soon(talk.echo("/a/3", LARGE)).await.unwrap(), LARGE);
        assert_eq!(talk.ends("/a/2").len(), 0);
        assert!(talk.placed[0].evidence().bytes > 0);
        talk.is_healthy().await;
    });
}

/// What was on its way to a stream that is gone would be missing in the windows, and stop the connection after a few.
#[test]
fn a_stream_is_reset_on_both_sides_and_its_windows_come_back() {
    let parts = [
        (Stream::Upstream, Part::Headers),
        (Stream::Upstream, Part::Data),
        (Stream::Downstream, Part::Headers),
        (Stream::Downstream, Part::Data),
        (Stream::Downstream, Part::Trailers),
    ];
    for (stream, part) in parts {
        in_both(async |net| {
            let error: ErrorCode = "ENHANCE_YOUR_CALM".parse().unwrap();
            let reset = Reset { path: "/reset".parse().unwrap(), part, error, nth: 0 };
            let talk = Talk::with(&net, [toxic(stream, H2::Reset(reset))]).await;
            for _ in 0..4 {
                let ended = reason(soon(talk.echo("/reset", LARGE)).await);
                assert_eq!(ended, Some(Reason::ENHANCE_YOUR_CALM), "{stream:?} {part:?}");
            }
            tokio::time::sleep(20 * MS).await;
            let (by_part, seen) = (talk.ends("/reset"), talk.seen.lock().unwrap().open);
            assert_eq!(seen, 0, "{stream:?} {part:?}");
            match (stream, part) {
                (Stream::Upstream, Part::Headers) => assert!(by_part.is_empty()),
                (Stream::Upstream, Part::Data) => assert_eq!(by_part, ["reset"; 4]),
                _ => assert_eq!(by_part.len(), 4, "{stream:?} {part:?}"),
            }
            talk.is_healthy().await;
        });
    }
}

// === the connection ===

#[test]
fn after_a_goaway_what_is_open_goes_on_and_nothing_new_is_taken() {
    in_both(async |net| {
        let goaway = Goaway { after_streams: 2, ..Goaway::default() };
        let toxics = [hold(Stream::Downstream, Part::Data), toxic(Stream::Downstream, H2::Goaway(goaway))];
        let mut talk = Talk::with(&net, toxics).await;
        let client = talk.client.clone();
        let held = tokio::spawn(async move { echo(&client, "/held", Bytes::from_static(b"x")).await });
        while talk.open_streams() == 0 {
            tokio::time::sleep(MS).await;
        }
        assert_eq!(soon(talk.echo("/second", 1)).await.unwrap(), 1);
        let third = soon(talk.echo("/third", 1)).await.expect_err("it is not taken");
        assert!(third.is_go_away() && third.is_remote(), "{third:?}");
        assert_eq!(third.reason(), Some(Reason::NO_ERROR));
        assert!(!held.is_finished());
        talk.heal().await;
        assert_eq!(soon(held).await.unwrap().unwrap(), 1);
        assert_eq!(talk.ends("/third").len(), 0);
        assert_eq!(soon(talk.path.ended()).await, ["client closed"]);
    });
}

#[test]
fn a_goaway_can_come_first_and_after_a_while_and_disown_streams() {
    in_sim(async |net| {
        let after = Goaway { after: Duration::from_secs(10), ..Goaway::default() };
        let talk = Talk::with(&net, [toxic(Stream::Downstream, H2::Goaway(after))]).await;
        tokio::time::sleep(Duration::from_secs(9)).await;
        talk.is_healthy().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(talk.echo("/late", 1).await.unwrap_err().is_go_away());

        let error = ErrorCode::INTERNAL_ERROR;
        let disown = Goaway { error, last_stream: Some(0), after_streams: 1, ..Goaway::default() };
        let talk = Talk::with(&net, [toxic(Stream::Downstream, H2::Goaway(disown))]).await;
        let disowned = soon(talk.echo("/", LARGE)).await.unwrap_err();
        assert_eq!(disowned.reason(), Some(Reason::INTERNAL_ERROR));

        let first = Talk::with(&net, [toxic(Stream::Downstream, H2::Goaway(Goaway::default()))]).await;
        tokio::time::sleep(50 * MS).await;
        soon(first.echo("/", 1)).await.unwrap_err();
        assert_eq!(first.ends("/").len(), 0);
    });
}

#[test]
fn a_node_is_told_to_go_away_and_ends_when_it_has_answered() {
    in_both(async |net| {
        let goaway = Goaway { after_streams: 1, ..Goaway::default() };
        let talk = Talk::with(&net, [toxic(Stream::Upstream, H2::Goaway(goaway))]).await;
        assert_eq!(soon(talk.echo("/", LARGE)).await.unwrap(), LARGE);
        assert!(talk.placed[0].evidence().bytes > 0);
    });
}

#[test]
fn a_client_keeps_to_the_cap_also_on_a_live_connection() {
    in_both(async |net| {
        let cap = |limit| toxic(Stream::Downstream, H2::MaxStreams(MaxStreams { limit }));
        let path = Path::new(&net);
        path.proxy.read_http2();
        let mut talk = Talk::over(path, vec![]).await;
        let at_once = async |talk: &Talk| {
            talk.seen.lock().unwrap().most = 0;
            let all = (0..10).map(|_| talk.echo("/", 2000));
            for one in soon(futures_util::future::join_all(all)).await {
                assert_eq!(one.unwrap(), 2000);
            }
            talk.seen.lock().unwrap().most
        };
        assert_eq!(at_once(&talk).await, 10);
        talk.add(cap(3));
        talk.ping().await;
        assert_eq!(at_once(&talk).await, 3);
        talk.placed[0].update(cap(2)).unwrap();
        talk.ping().await;
        assert_eq!(at_once(&talk).await, 2);
        assert!(talk.placed[0].evidence().touched());
        talk.heal().await;
        talk.ping().await;
        assert_eq!(at_once(&talk).await, 10);
        talk.is_healthy().await;
    });
}

// === which connections ===

#[test]
fn a_live_connection_is_touched_if_it_was_read_from_its_start_and_else_said_to_be_passed_by() {
    in_both(async |net| {
        let refuse = || toxic(Stream::Upstream, H2::Refuse(Refuse::default()));
        let mut unread = Talk::with(&net, []).await;
        unread.is_healthy().await;
        unread.add(refuse());
        assert_eq!(soon(unread.echo("/", LARGE)).await.unwrap(), LARGE);
        assert_eq!(unread.placed[0].status().unwrap().met.passed_by, 1);

        let path = Path::new(&net);
        path.proxy.read_http2();
        let mut read = Talk::over(path, vec![]).await;
        // by now both sides count on what they have said before, and it is read in their words
        for _ in 0..3 {
            read.is_healthy().await;
        }
        read.add(refuse());
        assert_eq!(reason(soon(read.echo("/", LARGE)).await), Some(Reason::REFUSED_STREAM));
        assert_eq!(read.placed[0].status().unwrap().met.passed_by, 0);
        read.heal().await;
        for _ in 0..3 {
            read.is_healthy().await;
        }
    });
}

#[test]
fn what_is_not_http2_passes_as_it_is_and_is_said_to() {
    in_both(async |net| {
        for says in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", &[0; 40]] {
            let mut path = Path::new(&net);
            let placed = path.proxy.add(hold(Stream::Upstream, Part::Headers)).unwrap();
            let mut client = path.connect().await.unwrap();
            let mut node = path.arrival().await;
            send(&mut client, says).await;
            send(&mut client, b"\0and more").await;
            expect(&mut node, says).await;
            expect(&mut node, b"\0and more").await;
            send(&mut node, &[0, 0]).await;
            expect(&mut client, &[0, 0]).await;
            assert_eq!(placed.status().unwrap().met.passed_by, 1, "{says:?}");
            assert_eq!(path.proxy.conns()[0].streams.unread, Some("it is not HTTP/2"));
            assert!(!placed.evidence().touched());
        }
    });
}

#[test]
fn a_node_that_speaks_first_is_not_kept_waiting() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let _placed = path.proxy.add(hold(Stream::Upstream, Part::Headers)).unwrap();
        let mut client = path.connect().await.unwrap();
        let mut node = path.arrival().await;
        // as a database begins that is no HTTP/2: a length, a number, a version
        send(&mut node, b"\x4a\0\0\0\x0a8.0.11-TiDB").await;
        expect(&mut client, b"\x4a\0\0\0\x0a8.0.11-TiDB").await;
        send(&mut client, b"PRI *").await;
        expect(&mut node, b"PRI *").await;
    });
}

#[test]
fn what_stops_being_http2_passes_on() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let placed = path.proxy.add(hold(Stream::Upstream, Part::Headers)).unwrap();
        let mut client = path.connect().await.unwrap();
        let mut node = path.arrival().await;
        let begins = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        send(&mut client, begins).await;
        expect(&mut node, begins).await;
        // headers whose first byte names no entry of any table
        let wrong = b"\0\0\x01\x01\x05\0\0\0\x01\xfe";
        send(&mut client, wrong).await;
        expect(&mut node, wrong).await;
        send(&mut client, b"whatever").await;
        expect(&mut node, b"whatever").await;
        assert_eq!(placed.status().unwrap().met.passed_by, 1);
        assert!(path.proxy.conns()[0].streams.unread.is_some());
    });
}

#[test]
fn a_toxic_is_limited_to_a_connection_and_begins_after_so_many_bytes() {
    in_both(async |net| {
        let refuse = toxic(Stream::Upstream, H2::Refuse(Refuse::default()));
        let only = Only { connection: Some(2), ..Only::default() };
        let talk = Talk::with(&net, [Toxic { only, ..refuse.clone() }]).await;
        talk.is_healthy().await;

        let only = Only { after_bytes: 4 * LARGE as u64, ..Only::default() };
        let talk = Talk::with(&net, [Toxic { only, ..refuse }]).await;
        talk.is_healthy().await;
        soon(talk.echo("/", LARGE)).await.unwrap();
        assert_eq!(reason(soon(talk.echo("/", LARGE)).await), Some(Reason::REFUSED_STREAM));
    });
}

#[test]
fn toxics_of_http2_and_of_bytes_go_together() {
    in_sim(async |net| {
        let latency = Toxic::new(Kind::Latency(Latency { latency: 100 * MS, ..Latency::default() }));
        let reset = toxic(
            Stream::Downstream,
            H2::Reset(Reset { path: "/reset".parse().unwrap(), ..Reset::default() }),
        );
        let talk = Talk::with(&net, [latency, reset]).await;
        let start = Instant::now();
        assert_eq!(reason(soon(talk.echo("/reset", 10)).await), Some(Reason::CANCEL));
        assert!(start.elapsed() >= 100 * MS);
        talk.is_healthy().await;
    });
}

// === any conversation ===

/// A toxic that loses nothing, from when until when.
fn harmless() -> impl Strategy<Value = (Toxic, u64, u64)> {
    let part = prop_oneof![Just(Part::Headers), Just(Part::Data), Just(Part::Trailers)];
    let path = prop_oneof![Just("*"), Just("/a*"), Just("/b")].prop_map(|path| path.parse().unwrap());
    let what = (0u8..5, part, path, 1u64..50).prop_map(|(which, part, path, n)| match which {
        0 => H2::DropPingAcks,
        1 => H2::MaxStreams(MaxStreams { limit: n as u32 % 4 + 1 }),
        2 => H2::Hold(Hold { path, part }),
        _ => H2::Delay(Delay { path, part, delay: Duration::from_millis(n) }),
    });
    let stream = prop_oneof![Just(Stream::Upstream), Just(Stream::Downstream)];
    (what, stream, 0u64..80, 0u64..300)
        .prop_map(|(what, stream, from, long)| (toxic(stream, what), from, from + long))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Several streams at a time, with bodies of any size up to twice a window, while toxics come and go.
    #[test]
    fn any_conversation_through_any_toxics_that_lose_nothing_arrives_whole(
        toxics in prop::collection::vec(harmless(), 0..6),
        calls in prop::collection::vec((0usize..3, 0usize..130_000, 0u64..100), 1..12),
        read in any::<bool>(),
    ) {
        in_sim(async |net| {
            let path = Path::new(&net);
            if read {
                path.proxy.read_http2();
            }
            // half of them are there before the connection
            let (first, later) = toxics.split_at(toxics.len() / 2);
            let placed = first.iter().map(|(toxic, ..)| path.proxy.add(toxic.clone()).unwrap()).collect();
            let mut talk = Talk::over(path, placed).await;
            let first = std::mem::take(&mut talk.placed).into_iter().zip(first);
            let proxy = &talk.path.proxy;
            let go = first.map(|(placed, (_, _, until))| async move {
                tokio::time::sleep(Duration::from_millis(*until)).await;
                drop(placed);
            });
            let come_and_go = later.iter().map(|(toxic, from, until)| async move {
                tokio::time::sleep(Duration::from_millis(*from)).await;
                let placed = proxy.add(toxic.clone()).unwrap();
                tokio::time::sleep(Duration::from_millis(until - from)).await;
                drop(placed);
            });
            let calls = calls.iter().map(|(path, len, at)| {
                let talk = &talk;
                async move {
                    tokio::time::sleep(Duration::from_millis(*at)).await;
                    let path = ["/a", "/ab", "/b"][*path];
                    assert_eq!(talk.echo(path, *len).await.unwrap(), *len, "{path}");
                }
            });
            let toxics = futures_util::future::join(
                futures_util::future::join_all(go),
                futures_util::future::join_all(come_and_go),
            );
            soon(futures_util::future::join(toxics, futures_util::future::join_all(calls))).await;
            talk.is_healthy().await;
        });
    }
}
