//! Any program as the client under test, on real sockets.
//!
//! * [`life`]: one program, from its start to its end
//! * [`filled`]: as a run starts it
//! * [`group`]: the process with everything that it starts, which ends together
//! * [`output`]: what it prints
//! * [`ready`]: the sign that it has started
//! * [`counted`], [`fetch`]: its progress
//! * [`dumps`]: its tasks

pub(crate) mod counted;
pub(crate) mod dumps;
pub(crate) mod fetch;
mod filled;
mod group;
mod life;
mod output;
mod ready;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use fake_tikv::Observed;
use futures_util::future::{join, join_all};
use tokio_util::sync::CancellationToken;
use unstuck_record::Work;

use self::life::Part;
use super::{Client, Env, Failure, Timers, Workload};
use crate::probe::meter::Counts;
use crate::scenario::program::{Program as Spec, Seen, Source};

/// What the end of a program may take besides the last dump and the grace: the dead are buried, the output is read.
const SLACK: Duration = Duration::from_secs(5);

/// A program as the client.
#[derive(Clone, Debug)]
pub struct Program {
    spec: Spec,
    /// The scenario's folder.
    dir: PathBuf,
}

impl Program {
    /// The program that a scenario file in `dir` asks for.
    pub fn new(spec: Spec, dir: &Path) -> Self {
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        Self { spec, dir: std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()) }
    }
}

impl Client for Program {
    fn name(&self) -> &str {
        &self.spec.name
    }
    fn revision(&self) -> &str {
        &self.spec.revision
    }
    fn unit(&self) -> &str {
        &self.spec.progress.unit
    }
    fn timers(&self) -> Timers {
        // they are given as they are, and are divided with everything else
        let Spec { longest_timer, backoff_cap, scale, .. } = self.spec;
        let (longest, backoff_cap) = (longest_timer * scale, backoff_cap * scale);
        Timers { longest, backoff_cap, restart_period: Duration::ZERO }
    }
    fn speed(&self, _: &Workload, _: u32) -> fake_tikv::Speed {
        fake_tikv::Speed::default()
    }
    fn outside(&self) -> Option<Duration> {
        let grace = self.spec.beside.iter().map(|beside| beside.shutdown.grace).max().unwrap_or_default();
        Some(self.spec.dump.within * 4 + self.spec.shutdown.grace + grace + SLACK)
    }
    fn program(&self) -> Option<&Spec> {
        Some(&self.spec)
    }
    fn run(&self, env: Env) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> {
        let program = self.clone();
        Box::pin(async move { program.run(env).await })
    }
    fn progress(&self, seen: &Observed, counts: &Counts) -> (u64, u64) {
        let ranges = || (seen.ranges_backed_up.len() as u64, seen.ranges.len() as u64);
        let (unique, total) = match self.spec.progress.source {
            Source::Cluster(Seen::Keys) => (seen.keys_ingested, seen.keys_total),
            Source::Cluster(Seen::Ranges) => ranges(),
            Source::Cluster(Seen::Rows) => (seen.rows, 0),
            Source::Cluster(Seen::Work) => (seen.rows + seen.keys_ingested + ranges().0, 0),
            Source::Cluster(Seen::Bytes) => (counts.carried, 0),
            _ => (counts.reported.done, counts.reported.total.unwrap_or(0)),
        };
        (unique, self.spec.progress.total.unwrap_or(total))
    }
    fn audit(&self, seen: &Observed, counts: &Counts) -> Work {
        let (unique, total) = self.progress(seen, counts);
        // nobody has said how much there is to do, so whatever is done is all
        let expected = if total == 0 { unique } else { total };
        if unique > 0 && counts.carried == 0 {
            let claim =
                format!("the client says that {unique} are done, but not a byte has passed its links");
            return Work { expected, missing: vec![claim], ..Work::default() };
        }
        Work { expected, unique: unique.min(expected), ..Work::default() }
    }
}

impl Program {
    /// Runs every copy to its end, with its companions beside. The first to fail ends the others.
    async fn run(self, env: Env) -> Result<(), Failure> {
        let (failed, done) = (CancellationToken::new(), CancellationToken::new());
        let several = self.spec.copies > 1 || !self.spec.beside.is_empty();
        let part = |spec, index, number, tag: String, stop| Part {
            spec,
            dir: &self.dir,
            env: &env,
            index,
            number,
            tag: if several { tag } else { String::new() },
            stop,
        };
        let clients = (0..self.spec.copies).map(|index| {
            let name = &self.spec.name;
            let tag = if self.spec.copies > 1 { format!("{name}-{index}") } else { name.clone() };
            until_one_fails(part(&self.spec, index, index, tag, &failed), &failed, "")
        });
        let beside = self.spec.beside.iter().zip(self.spec.copies..).map(|(spec, number)| {
            until_one_fails(part(spec, 0, number, spec.name.clone(), &done), &failed, "beside it, ")
        });
        let clients = join_all(clients);
        let all_clients = async {
            let ended = clients.await;
            done.cancel();
            ended
        };
        let (clients, beside) = join(all_clients, join_all(beside)).await;
        clients.into_iter().chain(beside).collect()
    }
}

async fn until_one_fails(part: Part<'_>, failed: &CancellationToken, place: &str) -> Result<(), Failure> {
    let tag = part.tag.clone();
    let ended = part.run().await;
    ended.map_err(|Failure(text)| {
        failed.cancel();
        Failure(if tag.is_empty() { text } else { format!("{place}{tag}: {text}") })
    })
}
