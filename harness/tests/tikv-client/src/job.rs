//! The jobs: what a user of the crate would write, with a name for each of its awaits. The first error ends a job.

use std::net::SocketAddr;
use std::time::Duration;

use fake_tikv::data;
use tikv_client::{CheckLevel, RawClient, Result, TransactionClient, TransactionOptions};
use unstuck::Env;
use unstuck::probe::{Site, wait};

use crate::control::Control;

/// From one step to the next, so that a job of 64 steps is under way when the fault comes.
const PACE: Duration = Duration::from_millis(150);

pub(crate) async fn raw(env: Env) -> Result<()> {
    let at = Calls::beside_a_control(&env);
    let client = at.call("RawClient::new", RawClient::new(pd(&env))).await?;
    let regions = env.workload.regions;
    env.meter.expect(regions.into());
    for region in 0..regions {
        let key = key(data::region(region, 1).start);
        env.meter.attempt();
        at.call("put", client.put(key.clone(), "value")).await?;
        at.call("get", client.get(key)).await?;
        env.meter.done(region.to_string());
        tokio::time::sleep(PACE).await;
    }
    Ok(())
}

pub(crate) async fn txn(env: Env) -> Result<()> {
    let at = Calls::beside_a_control(&env);
    let client = at.call("TransactionClient::new", TransactionClient::new(pd(&env))).await?;
    // one that is dropped before its commit panics otherwise
    let options = TransactionOptions::new_optimistic().drop_check(CheckLevel::Warn);
    let steps = u64::from(env.workload.batches);
    env.meter.expect(steps);
    for number in 0..steps {
        env.meter.attempt();
        let mut txn = at.call("begin", client.begin_with_options(options.clone())).await?;
        at.call("txn put", txn.put(key(number), "value")).await?;
        at.call("commit", txn.commit()).await?;
        env.meter.done(number.to_string());
        tokio::time::sleep(PACE).await;
    }
    Ok(())
}

pub(crate) async fn scan(env: Env) -> Result<()> {
    let at = Calls::beside_a_control(&env);
    let client = at.call("RawClient::new", RawClient::new(pd(&env))).await?;
    env.meter.expect(1);
    env.meter.attempt();
    at.call("scan", client.scan("a".to_owned().."b".to_owned(), 10)).await?;
    env.meter.done("scan");
    Ok(())
}

/// Calls of the crate, with a name for each await.
#[derive(Debug)]
struct Calls {
    pd: SocketAddr,
    control: Control,
}

impl Calls {
    fn beside_a_control(env: &Env) -> Self {
        Self { pd: env.pd[0], control: Control::start(env) }
    }
    /// Which of its peers a call waits for only the crate knows: what is named is PD's first member, which leads at the start.
    #[track_caller]
    fn call<F: Future>(&self, name: &'static str, call: F) -> impl Future<Output = F::Output> + use<F> {
        let control = self.control.clone();
        wait(Site::peer(name, self.pd, 0).detail_now(move || control.told()), call)
    }
}

fn pd(env: &Env) -> Vec<String> {
    env.pd.iter().map(ToString::to_string).collect()
}

fn key(number: u64) -> Vec<u8> {
    data::key(number).to_vec()
}
