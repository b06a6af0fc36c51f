//! Every method with messages that no client sends: an answer each time, and no panic.
//!
//! Half of the messages are well formed and name what there is, so that they come past the doors. `PROPTEST_CASES=100000`
//! makes a longer run.

mod message;
mod pd_http;

use std::cell::Cell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Once;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut, Bytes};
use fake_tikv::methods::METHODS;
use fake_tikv::proto::import_sstpb::SwitchModeRequest;
use fake_tikv::proto::pdpb::{GetMembersRequest, RequestHeader};
use fake_tikv::{Borders, Mode, Node, Spec};
use hyper::body::{Body, Frame};
use proptest::prelude::*;
use prost::Message as _;
use rand::{Rng, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::time::timeout;
use tonic::codegen::{Service as _, http};
use tonic::transport::Channel;

use self::message::Known;
use crate::fixture::{Fixture, context, leader, spec, with};

/// What is done to a message, or to its frame.
#[derive(Clone, Copy, Debug)]
enum Damage {
    None,
    /// Some bytes are others.
    Flipped,
    /// The message ends early, in a frame that knows.
    Short,
    /// Bytes of another message stand in the middle.
    Spliced,
    /// Nothing of it is left.
    Noise,
    /// The frame says more than comes.
    Cut,
    /// The frame says more than anybody takes.
    Huge,
    /// The frame says that it is compressed.
    Compressed,
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        8 => Just(Damage::None),
        2 => Just(Damage::Flipped),
        2 => Just(Damage::Short),
        2 => Just(Damage::Spliced),
        1 => Just(Damage::Noise),
        1 => Just(Damage::Cut),
        1 => Just(Damage::Huge),
        1 => Just(Damage::Compressed),
    ]
}

/// One call: which method, what it says (by a seed), what is wrong with it.
#[derive(Clone, Debug)]
struct Call {
    method: prop::sample::Index,
    seed: u64,
    damage: Damage,
}

fn call() -> impl Strategy<Value = Call> {
    (any::<prop::sample::Index>(), any::<u64>(), damage()).prop_map(|(method, seed, damage)| Call {
        method,
        seed,
        damage,
    })
}

/// How long a call may take: longer than anything that a client may ask a store to wait for, but for these.
const PATIENCE: Duration = Duration::from_secs(60);
/// Those that a client may ask to last for ever: a watch, a command that is told how late to answer.
const LASTING: [&str; 2] = ["WatchGlobalConfig", "BatchCommands"];

impl Call {
    fn frame(&self, path: &str, known: &Known, rng: &mut impl Rng) -> Bytes {
        let mut message = message::of(path, known, rng);
        match self.damage {
            Damage::Flipped => {
                let len = message.len();
                (0..3.min(len)).for_each(|_| message[rng.random_range(0..len)] = rng.random());
            }
            Damage::Short => message.truncate(rng.random_range(0..=message.len())),
            Damage::Spliced => {
                let at = rng.random_range(0..=message.len());
                message.splice(at..at, message::of(path, known, rng));
            }
            Damage::Noise => message = (0..rng.random_range(0..64)).map(|_| rng.random()).collect(),
            Damage::None | Damage::Cut | Damage::Huge | Damage::Compressed => {}
        }
        let length = match self.damage {
            Damage::Cut => message.len() as u32 + rng.random_range(1..100),
            Damage::Huge => u32::MAX,
            _ => message.len() as u32,
        };
        let mut frame = vec![u8::from(matches!(self.damage, Damage::Compressed))];
        frame.put_u32(length);
        frame.extend(message);
        frame.into()
    }

    /// Makes the call and hears all of its answer.
    async fn make(&self, f: &Fixture, known: &Known, txn_stores: &[u64]) {
        let rng = &mut ChaCha8Rng::seed_from_u64(self.seed);
        let method = self.method.get(&METHODS);
        let node = match method.package {
            "pdpb" | "keyspacepb" if rng.random_ratio(7, 8) => Node::Pd(f.cluster.pd_leader()),
            "pdpb" | "keyspacepb" => Node::Pd(rng.random_range(0..3)),
            _ => Node::Store(txn_stores[rng.random_range(0..txn_stores.len())]),
        };
        let path = format!("/{method}");
        let messages = rng.random_range(1..4);
        let frames: VecDeque<Bytes> = (0..messages).map(|_| self.frame(&path, known, rng)).collect();
        // one task is the connection's: it ends with the channel
        let mut channel = f.channel(node).await.unwrap();
        let answered = timeout(PATIENCE, answer(&mut channel, &path, frames)).await.is_ok();
        assert!(answered || LASTING.contains(&method.name), "{method} is silent at {node}");
    }
}

async fn answer(channel: &mut Channel, path: &str, frames: VecDeque<Bytes>) {
    let request = http::Request::post(path)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(tonic::body::Body::new(Frames(frames)))
        .unwrap();
    std::future::poll_fn(|cx| channel.poll_ready(cx)).await.unwrap();
    let Ok(mut response) = channel.call(request).await else { return };
    while let Some(Ok(_)) = std::future::poll_fn(|cx| Pin::new(response.body_mut()).poll_frame(cx)).await {}
}

/// A body that is there already.
struct Frames(VecDeque<Bytes>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|frame| Ok(Frame::data(frame))))
    }
}

/// What the cluster is made of, for messages that are to come past the doors.
async fn known(f: &Fixture) -> Known {
    let mut known = Known::default();
    let header = RequestHeader { cluster_id: f.cluster_id().await, ..Default::default() };
    known.messages.insert(".pdpb.RequestHeader", vec![header.encode_to_vec()]);
    known.numbers.extend([1, 2, 3, 1_767_225_600_000 << 18]);
    // a file that one call writes and another ingests
    known.keys.push(vec![7; 16]);
    for region in f.regions().await {
        let meta = region.region.clone().unwrap();
        let mut add = |name, bytes| known.messages.entry(name).or_default().push(bytes);
        add(".kvrpcpb.Context", context(&region).encode_to_vec());
        add(".metapb.Peer", leader(&region).encode_to_vec());
        add(".metapb.RegionEpoch", meta.region_epoch.unwrap().encode_to_vec());
        known.numbers.extend([meta.id, leader(&region).id]);
        known.keys.extend([meta.start_key.to_vec(), meta.end_key.to_vec()]);
    }
    known
}

/// Panics of this thread, which is the only one of its cluster. One in a handler is caught, and seen nowhere else.
fn panics() -> usize {
    thread_local!(static SEEN: Cell<usize> = const { Cell::new(0) });
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            SEEN.with(|seen| seen.set(seen.get() + 1));
            others(panic);
        }));
    });
    SEEN.with(Cell::get)
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Raw), Just(Mode::RawTtl), Just(Mode::Txn), Just(Mode::V2)]
}

proptest! {
    #[test]
    fn any_call_of_any_method_is_answered(mode in mode(), calls in prop::collection::vec(call(), 1..40)) {
        let borders = Borders::At(vec![if mode == Mode::V2 { "r\0\0\0b".into() } else { "b".into() }]);
        let spec = Spec { regions: 2, keys_per_region: 0, mode, borders, ..spec() };
        let before = panics();
        with(spec, |f| async move {
            let known = known(&f).await;
            let leaders: Vec<u64> = f.regions().await.iter().map(|region| leader(region).store_id).collect();
            for call in &calls {
                call.make(&f, &known, &leaders).await;
                assert_eq!(panics(), before, "{} panics", call.method.get(&METHODS));
            }
            f.pd(0).await.get_members(GetMembersRequest::default()).await.unwrap();
            f.import(1).await.switch_mode(SwitchModeRequest::default()).await.unwrap();
        });
    }
}
