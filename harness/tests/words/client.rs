//! A small client that tells what it saw: calls over a connection that it keeps, calls over one of their own each, and some
//! calls over one that is idle in between.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_tikv::proto::pdpb::GetMembersRequest;
use fake_tikv::proto::pdpb::pd_client::PdClient;
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower::service_fn;
use unstuck::Env;
use unstuck::client::Own;

/// How long a call, and a connect, may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);
/// From one call to the next.
const PACE: Duration = Duration::from_millis(100);
/// The same where connections are to be idle: for longer than until a keepalive asks and gives up.
const IDLE: Duration = Duration::from_secs(6);
/// How long the job takes: longer than the fault and what it needs to pass.
const JOB: Duration = Duration::from_secs(40);

/// What calls have come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Calls {
    /// The longest took so long.
    pub(crate) slowest: Duration,
    /// How they failed, those that did.
    pub(crate) errors: Vec<Code>,
    /// Those that came back well.
    pub(crate) done: usize,
    /// Connections that were made.
    pub(crate) dials: usize,
    /// The last one's end.
    pub(crate) last: Option<Result<(), Code>>,
}

/// What the client has seen in its last run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) kept: Calls,
    pub(crate) fresh: Calls,
    pub(crate) idle: Calls,
}

type Shared = Arc<Mutex<Seen>>;
/// One of the three.
type Of = fn(&mut Seen) -> &mut Calls;

/// Calls PD's first member for a while.
pub(crate) fn watcher(seen: &Shared) -> Own {
    let seen = Arc::clone(seen);
    Own::new("watcher", move |env| {
        *seen.lock().unwrap() = Seen::default();
        watch(env, Arc::clone(&seen))
    })
}

async fn watch(env: Env, seen: Shared) -> Result<(), Status> {
    env.meter.expect(3);
    let kinds: [(&str, Of, Duration); 3] = [
        ("kept", |seen| &mut seen.kept, PACE),
        ("fresh", |seen| &mut seen.fresh, PACE),
        ("idle", |seen| &mut seen.idle, IDLE),
    ];
    let calling =
        kinds.map(|(name, of, pace)| env.spawn(name, calls(env.clone(), Arc::clone(&seen), of, name, pace)));
    for calls in calling {
        let _ended = calls.join("calls").await;
    }
    Ok(())
}

async fn calls(env: Env, seen: Shared, of: Of, name: &'static str, pace: Duration) {
    let count = move |with: &dyn Fn(&mut Calls)| with(of(&mut seen.lock().unwrap()));
    let end = Instant::now() + JOB;
    let channel = dial(&env, count.clone());
    while Instant::now() < end {
        let since = Instant::now();
        let mut pd = PdClient::new(if name == "fresh" { dial(&env, count.clone()) } else { channel.clone() });
        let done =
            pd.get_members(GetMembersRequest::default()).await.map(|_| ()).map_err(|status| status.code());
        let took = since.elapsed();
        count(&|calls| {
            calls.done += usize::from(done.is_ok());
            calls.slowest = calls.slowest.max(took);
            calls.errors.extend(done.err().filter(|code| !calls.errors.contains(code)));
            calls.last = Some(done);
        });
        tokio::time::sleep(pace).await;
    }
    env.meter.done(name);
}

/// It dials when it is first used, and again whenever its connection is gone.
fn dial(env: &Env, count: impl Fn(&dyn Fn(&mut Calls)) + Clone + Send + Sync + 'static) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", env.pd[0])).unwrap();
    let endpoint = endpoint
        .timeout(DEADLINE)
        .connect_timeout(DEADLINE)
        .http2_keep_alive_interval(Duration::from_secs(2))
        .keep_alive_timeout(Duration::from_secs(2))
        .keep_alive_while_idle(true);
    let connector = env.connector();
    endpoint.connect_with_connector_lazy(service_fn(move |uri| {
        count(&|calls| calls.dials += 1);
        let mut connector = connector.clone();
        async move { tower::Service::call(&mut connector, uri).await }
    }))
}
