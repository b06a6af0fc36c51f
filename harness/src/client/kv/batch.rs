//! Requests to one store, multiplexed: four connections, on each a `BatchCommands` stream, on each many requests at once, told
//! apart by their ids.
//!
//! ```text
//!   NOT OPEN ──first request: wait for READY, open a stream──► SERVING ──stream ended──► RECREATING ──┐
//!                                                                 ▲      all pending fail             │ until it succeeds
//!                                                                 └───────────────────────────────────┘
//! ```
//!
//! A connection that recreates its stream takes no requests. One task does what client-go's send and receive loops do.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use fake_tikv::proto::tikvpb::batch_commands_request::Request;
use fake_tikv::proto::tikvpb::{BatchCommandsRequest, BatchCommandsResponse};
use tokio::sync::{mpsc, oneshot};
use tonic::Status;

use super::backoff::{Backoffer, Kind};
use super::command::{Answer, Command};
use super::conn::{CONNECTIONS, DIAL_TIMEOUT, dial};
use super::error::SendError;
use super::tools::Tools;
use crate::client::ctx::Ctx;
use crate::client::grpc::{ClientConn, ClientStream};
use crate::probe::{Actors, Joinable, Site, frame, wait};

/// So many requests leave together at most; source: `DefMaxBatchSize`.
const TOGETHER: usize = 128;
/// A stream is recreated for as long as it takes.
const FOR_EVER: Duration = Duration::from_millis(u32::MAX as u64);

/// The connections to one store. Dropping it ends them and what waits for answers on them.
#[derive(Debug)]
pub(super) struct BatchConn {
    addr: SocketAddr,
    clients: Vec<Client>,
    next: AtomicUsize,
}

/// One connection, as those see it that have requests.
#[derive(Debug)]
struct Client {
    conn: ClientConn,
    queue: mpsc::UnboundedSender<Entry>,
    recreating: Arc<AtomicBool>,
    task: Joinable<()>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.conn.close();
        self.task.abort();
    }
}

/// A request, and who waits for the answer.
#[derive(Debug)]
struct Entry {
    command: Command,
    answer: oneshot::Sender<Result<Answer, SendError>>,
}

impl BatchConn {
    /// Dials all of them in the background.
    pub(super) fn start(tools: &Tools, store: u64, addr: SocketAddr, seed: u64) -> Self {
        let client = |number| {
            let conn = dial(&tools.env, addr, seed ^ (number << 16));
            let (queue, requests) = mpsc::unbounded_channel();
            let recreating = Arc::new(AtomicBool::new(false));
            let looping = Loop {
                tools: tools.clone(),
                conn: conn.clone(),
                requests,
                requesters: Actors::new("batchCommandsCh"),
                recreating: recreating.clone(),
                pending: BTreeMap::new(),
                last_id: 0,
                seed: seed ^ number,
            };
            let task = tools.env.tasks.spawn(format!("batchLoop {store}/{number}"), looping.run());
            Client { conn, queue, recreating, task }
        };
        Self { addr, clients: (1..=CONNECTIONS).map(client).collect(), next: AtomicUsize::new(0) }
    }

    /// Hands the request to the next connection that takes requests, and waits so long (unscaled) for its answer.
    pub(super) async fn call(
        &self,
        tools: &Tools,
        command: Command,
        limit: Duration,
    ) -> Result<Answer, SendError> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let mut turns =
            (0..self.clients.len()).map(|turn| &self.clients[(first + turn) % self.clients.len()]);
        let client = turns.find(|client| !client.recreating.load(Ordering::Relaxed));
        let client = client.ok_or(SendError::NoConnections)?;
        let (answer, answered) = oneshot::channel();
        tools.env.meter.attempt();
        client.queue.send(Entry { command, answer }).map_err(|_| SendError::NoConnections)?;
        let limited = tokio::time::timeout(tools.env.scale.timer(limit), answered);
        match wait(Site::peer("sendBatchRequest", self.addr, client.conn.conn_id()), limited).await {
            Ok(Ok(answer)) => answer,
            // the loop is gone, and the connection with it
            Ok(Err(_)) => Err(SendError::NoConnections),
            Err(_elapsed) => Err(SendError::Deadline),
        }
    }
}

/// One connection's task.
struct Loop {
    tools: Tools,
    conn: ClientConn,
    requests: mpsc::UnboundedReceiver<Entry>,
    requesters: Actors,
    recreating: Arc<AtomicBool>,
    pending: BTreeMap<u64, oneshot::Sender<Result<Answer, SendError>>>,
    last_id: u64,
    seed: u64,
}

impl Loop {
    async fn run(mut self) {
        while let Some(mut entries) = self.next_requests().await {
            match frame("initBatchClient", Box::pin(self.open())).await {
                Ok(stream) => self.serve(stream, entries).await,
                Err(status) => fail(entries.drain(..).map(|entry| entry.answer), &SendError::Rpc(status)),
            }
        }
    }

    /// Sends and receives until nobody can send any more.
    async fn serve(&mut self, mut stream: ClientStream, mut entries: Vec<Entry>) {
        loop {
            if !entries.is_empty() {
                self.send(&mut stream, std::mem::take(&mut entries)).await;
            }
            let requests = &mut self.requests;
            tokio::select! {
                biased;
                received = stream.recv_msg::<BatchCommandsResponse>() => match received {
                    Ok(Some(answers)) => self.answered(answers),
                    Ok(None) => stream = self.recreate(Status::unavailable("EOF")).await,
                    Err(status) => stream = self.recreate(status).await,
                },
                entry = requests.recv() => match entry {
                    Some(entry) => entries = self.gather(entry),
                    None => return,
                },
            }
        }
    }

    async fn next_requests(&mut self) -> Option<Vec<Entry>> {
        let site = Site::on("fetchAllPendingRequests", &self.requesters).idle();
        let first = wait(site, self.requests.recv()).await?;
        Some(self.gather(first))
    }
    /// What waits beside the first.
    fn gather(&mut self, first: Entry) -> Vec<Entry> {
        let mut entries = vec![first];
        while entries.len() < TOGETHER
            && let Ok(entry) = self.requests.try_recv()
        {
            entries.push(entry);
        }
        entries
    }

    async fn send(&mut self, stream: &mut ClientStream, entries: Vec<Entry>) {
        let mut batch = BatchCommandsRequest::default();
        for Entry { command, answer } in entries {
            self.last_id += 1;
            self.pending.insert(self.last_id, answer);
            batch.request_ids.push(self.last_id);
            batch.requests.push(Request { cmd: Some(command) });
        }
        if stream.send_msg(&batch).await.is_err() {
            // whoever receives learns why, and opens the stream anew
            self.fail_pending(&SendError::Rpc(Status::unknown("EOF")));
        }
    }
    /// What nobody waits for any more is dropped.
    fn answered(&mut self, answers: BatchCommandsResponse) {
        for (id, answer) in answers.request_ids.into_iter().zip(answers.responses) {
            if let (Some(waiting), Some(answer)) = (self.pending.remove(&id), answer.cmd) {
                let _its_time_may_be_over = waiting.send(Ok(answer));
            }
        }
    }

    /// Fails what is pending, and opens streams until one is there. Meanwhile the connection takes no requests.
    async fn recreate(&mut self, ended: Status) -> ClientStream {
        self.recreating.store(true, Ordering::Relaxed);
        self.fail_pending(&SendError::Rpc(ended));
        let mut backoffer = Backoffer::new(FOR_EVER, self.seed);
        let stream = loop {
            let why = match frame("recreateStreamingClient", Box::pin(self.open())).await {
                Ok(stream) => break stream,
                Err(status) => status,
            };
            let env = self.tools.env.clone();
            if backoffer.pause(&env, Kind::TikvRpc, why.message()).await.is_err() {
                backoffer = Backoffer::new(FOR_EVER, self.seed);
            }
        };
        self.recreating.store(false, Ordering::Relaxed);
        stream
    }

    /// A stream on the connection, once that is READY; it has 5 s for it.
    async fn open(&self) -> Result<ClientStream, Status> {
        let limited = Ctx::background().with_timeout(self.tools.env.scale.timer(DIAL_TIMEOUT));
        if self.tools.behaviour.connects_idle {
            self.conn.connect();
        }
        self.conn.wait_ready(&limited).await?;
        let stream = self.conn.new_stream(&Ctx::background(), "/tikvpb.Tikv/BatchCommands").await?;
        Ok(stream.idle())
    }

    fn fail_pending(&mut self, error: &SendError) {
        fail(std::mem::take(&mut self.pending).into_values(), error);
        while let Ok(entry) = self.requests.try_recv() {
            fail([entry.answer], error);
        }
    }
}

fn fail(waiting: impl IntoIterator<Item = oneshot::Sender<Result<Answer, SendError>>>, error: &SendError) {
    for waiting in waiting {
        let _its_time_may_be_over = waiting.send(Err(error.clone()));
    }
}
