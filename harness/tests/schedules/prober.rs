//! A client that asks nodes the same small question again and again, and notes what came of each.

use std::sync::Arc;
use std::time::Duration;

use fake_tikv::proto::kvrpcpb::RawGetRequest;
use fake_tikv::proto::pdpb::pd_client::PdClient;
use fake_tikv::proto::pdpb::{GetMembersRequest, GetStoreRequest};
use fake_tikv::proto::tikvpb::tikv_client::TikvClient;
use tokio::time::{sleep, timeout};
use tonic::transport::{Channel, Endpoint};
use unstuck::client::{Env, Own};
use unstuck::run::cases::{Choice, setup, setup_with};
use unstuck::run::{Setup, Status, WorldKind, run_case};
use unstuck::scenario::{ClientRef, File, load_bytes};
use unstuck_record::{Event, Run};

/// Whom to ask.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    /// The first PD member.
    Pd,
    /// The first store.
    Store,
}

/// What came of one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) asked_ms: u64,
    pub(crate) told_ms: u64,
    pub(crate) how: String,
}

impl Answer {
    /// Whether it lies within these times wholly: only then is it known what was in force. Of what happens within one millisecond
    /// nobody knows the order.
    pub(crate) fn within(&self, from_ms: u64, to_ms: u64) -> bool {
        self.asked_ms > from_ms && self.told_ms < to_ms
    }
}

/// Asks every 50 ms for so long, in the scenario's own time. An answer is waited for as long as `patience`.
pub(crate) fn prober(asked: Asked, patience: Duration, length: Duration) -> Own {
    Own::new("prober", move |env| probe(env, asked, patience, length))
}

async fn probe(
    env: Env,
    asked: Asked,
    patience: Duration,
    length: Duration,
) -> Result<(), tonic::transport::Error> {
    env.meter.expect(1);
    let clock = env.tasks.clock();
    let channel = |addr: String| {
        Endpoint::from_shared(format!("http://{addr}"))
            .map(|to| to.connect_with_connector_lazy(env.connector()))
    };
    let pd = channel(env.pd[0].to_string())?;
    let request = GetStoreRequest { store_id: 1, ..GetStoreRequest::default() };
    let store = PdClient::new(pd.clone()).get_store(request).await.unwrap().into_inner().store.unwrap();
    let store = channel(store.address)?;
    while clock.elapsed() < length {
        let asked_ms = clock.ms();
        let answer = timeout(patience, ask(asked, pd.clone(), store.clone())).await;
        let how = match answer {
            Ok(Ok(())) => "ok",
            Ok(Err(_)) => "refused",
            Err(_) => "silent",
        };
        env.log.line(format!("{asked_ms} {} {how}", clock.ms()));
        sleep(Duration::from_millis(50)).await;
    }
    env.meter.done("all asked");
    Ok(())
}

async fn ask(asked: Asked, pd: Channel, store: Channel) -> Result<(), tonic::Status> {
    match asked {
        Asked::Pd => PdClient::new(pd).get_members(GetMembersRequest::default()).await.map(|_| ()),
        Asked::Store => TikvClient::new(store).raw_get(RawGetRequest::default()).await.map(|_| ()),
    }
}

fn file(lines: &str) -> File {
    let file = load_bytes("case.yaml", format!("cases: [{{name: c, {lines}}}]").into_bytes());
    file.unwrap_or_else(|problems| panic!("{problems}"))
}

/// A case of these lines, in virtual time, for one of the models.
pub(crate) fn of_client(lines: &str, client: &str, seed: u64) -> Setup {
    let file = file(lines);
    let client = ClientRef::parse(client).unwrap();
    setup(&file, &file.cases[0], &client, &Choice { seed, ..Choice::default() }).unwrap()
}

/// A case of these lines, ready for a client in a world.
pub(crate) fn made(lines: &str, client: Own, world: WorldKind) -> Setup {
    let file = file(lines);
    setup_with(&file, &file.cases[0], Arc::new(client), &Choice { world, ..Choice::default() }).unwrap()
}

/// Runs it, and prints what came out for whoever reads a red test.
pub(crate) fn run(setup: &Setup) -> Run {
    let run = run_case(setup, None, &Arc::new(Status::default())).unwrap();
    println!("{}: {}", run.header.world, run.judgement.as_ref().unwrap().reason);
    run
}

/// What the prober noted.
pub(crate) fn answers(run: &Run) -> Vec<Answer> {
    let told = run.events.iter().filter_map(|event| match &event.what {
        Event::ClientLogged { text } => {
            let mut words = text.split(' ');
            let mut number = || words.next()?.parse().ok();
            let (asked_ms, told_ms) = (number()?, number()?);
            Some(Answer { asked_ms, told_ms, how: words.next()?.to_owned() })
        }
        _ => None,
    });
    told.collect()
}

/// When a fault of the plan acted, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acted {
    /// It was told before it began.
    pub(crate) from: u64,
    /// It was due to heal, and had not before.
    pub(crate) to: u64,
    /// It was told after it had healed.
    pub(crate) healed: u64,
}

pub(crate) fn acted(run: &Run, index: usize) -> Acted {
    let at = |wanted: fn(&Event, usize) -> bool| {
        let found = run.events.iter().find(|event| wanted(&event.what, index));
        found.unwrap_or_else(|| panic!("fault {index}: {:?}", run.header.plan)).at_ms
    };
    let from = at(|event, index| matches!(event, Event::FaultInjected { fault } if *fault == index));
    let healed = at(|event, index| matches!(event, Event::FaultHealed { fault, .. } if *fault == index));
    let planned = &run.header.plan[index];
    let due = if planned.trigger.is_some() { from } else { from.min(planned.start_ms) };
    Acted { from, to: healed.min(due + planned.end_ms - planned.start_ms), healed }
}
