//! Timestamps, as pd/client gets them: callers put requests into a queue; one task takes what has gathered there as a batch and
//! asks the leader for so many timestamps at once, on one stream.
//!
//! ```text
//!   get ─► queue ─► dispatcher ─ one request a batch ─► stream to the leader
//!    ▲                  │  ▲ 3 s a request, a leader that changes: the stream is ended
//!    └── one each ──────┘  └ no stream: six tries, half a second apart
//! ```
//!
//! A model of `tso_dispatcher.go` of May 2024 (tikv/pd 3e672b2), without its proxies and local allocators. The stream is
//! opened for the first batch, not before; one task does what two share there, so a change of leader is acted upon between
//! two batches and in the middle of one.

mod dispatcher;
mod error;
mod queue;
mod stream;

use std::future::pending;
use std::sync::Arc;

use tonic::Status;

use super::discovery::Discovery;
use super::revision::Behaviour;
use crate::client::Env;
use crate::client::ctx::{CancelOnDrop, Ctx};
use crate::probe::{Actors, Site, frame, wait};
use dispatcher::Dispatcher;
pub use error::TsoError;
use queue::Queue;

/// Gets timestamps. Clones share a stream, which ends with the last of them.
#[derive(Clone, Debug)]
pub struct Tso(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: Arc<Queue>,
    /// Whoever answers requests.
    dispatchers: Actors,
    _ends: CancelOnDrop,
}

impl Tso {
    /// Finds the leader, and begins to serve timestamps in tasks of `env`. Waits up to 100 seconds for a first member.
    pub async fn connect(ctx: &Ctx, env: &Env, behaviour: Behaviour) -> Result<Self, Status> {
        let ctx = ctx.child();
        let ends = ctx.cancel_on_drop();
        let discovery = Discovery::start(&ctx, env, behaviour).await?;
        let (queue, dispatchers) = (Arc::new(Queue::default()), Actors::new("tsoRequestCh"));
        let dispatcher = Dispatcher::new(env, discovery, queue.clone(), behaviour);
        let acts = dispatchers.clone();
        // owned by the context, and by the client's task list
        drop(env.tasks.spawn("tsoDispatcher", async move {
            let _acts = acts.join();
            dispatcher.run(&ctx).await;
        }));
        Ok(Self(Arc::new(Inner { queue, dispatchers, _ends: ends })))
    }

    /// The next timestamp, physical and logical part in one number. There is no time limit but that of `ctx`.
    pub async fn get(&self, ctx: &Ctx) -> Result<u64, TsoError> {
        let answer = self.0.queue.push();
        let answered = async {
            match answer.await {
                Ok(answered) => answered,
                // the one who took the request is gone, and in Go nobody would say so
                Err(_dropped) => pending().await,
            }
        };
        let site = Site::on("tsoRequest.Wait", &self.0.dispatchers);
        let waited = wait(site, ctx.run(answered));
        frame("pd.GetTS", waited).await.map_err(TsoError::Ctx)?
    }
}
