//! The task of one store: asks it for everything that the round has left, and hands each answer on.
//!
//! ```text
//!   Backup stream ──► answers ──► the store's channel ──► collector
//!        ▲ 5 attempts, on one connection                        failed: One(store) ──► stateChan
//! ```

use std::sync::Arc;

use fake_tikv::proto::backup;
use tonic::Status;

use super::answers::Answer;
use super::rendezvous::Chan;
use super::retry::{AttemptError, Backoff, backup_retryable};
use super::tools::Tools;
use crate::client::ctx::{Ctx, CtxError};
use crate::client::grpc::{ClientConn, ClientStream, SendError};
use crate::probe::{Actors, frame};

/// Asks the main loop to begin this store's backup anew.
#[derive(Debug)]
pub(super) struct One(pub(super) u64);

/// One store's backup within one round.
#[derive(Debug)]
pub(super) struct StoreBackup {
    pub(super) tools: Tools,
    /// The round's main context.
    pub(super) ctx: Ctx,
    pub(super) round: u64,
    pub(super) store: u64,
    pub(super) request: Arc<backup::BackupRequest>,
    /// Used for every attempt, closed or not.
    pub(super) conn: ClientConn,
    pub(super) answers: Chan<Answer>,
    pub(super) state: Chan<One>,
    /// Whoever waits for answers or for the state waits for this task.
    pub(super) movers: [Actors; 2],
}

impl StoreBackup {
    /// Closes the store's channel at the end, whatever that is.
    pub(super) async fn run(self) {
        let _moves = self.movers.each_ref().map(Actors::join);
        if let Err(errors) = frame("startStoreBackup", Box::pin(self.attempts())).await {
            self.failed(&errors).await;
        }
        self.tools.lines.say("exit store backup goroutine", &format!("[store={}]", self.store));
        self.answers.close();
    }

    async fn failed(&self, errors: &[AttemptError]) {
        let fields = format!("[round={}] [storeID={}]", self.round, self.store);
        // a cancelled stream ends with a *status*, which is not the context's own error
        if let [AttemptError::Context(CtxError::Canceled)] = errors {
            self.tools.lines.say("store backup cancelled", &fields);
            return;
        }
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        self.tools.lines.say("store backup failed", &format!("{fields} [error=\"{}\"]", errors.join("; ")));
        let notice = self.state.send(One(self.store));
        if self.tools.behaviour.guarded_notice {
            let _cancelled_with_its_round = self.ctx.run(notice).await;
        } else {
            notice.await;
        }
    }

    /// Every attempt's error, if none succeeded.
    async fn attempts(&self) -> Result<(), Vec<AttemptError>> {
        if let Some(error) = self.ctx.error() {
            return Err(vec![AttemptError::Context(error)]);
        }
        let mut backoff = Backoff::backup();
        let mut errors = vec![];
        while backoff.has_attempts() {
            let fields = format!("[storeID={}] [retryTime={}]", self.store, errors.len());
            self.tools.lines.say("try backup", &fields);
            let Err(error) = frame("doSendBackup", self.attempt()).await else { return Ok(()) };
            let pause = backoff.failed(backup_retryable(&error));
            errors.push(error);
            if self.ctx.run(self.tools.sleep("WithRetry/backup", pause)).await.is_err() {
                break;
            }
        }
        Err(errors)
    }

    async fn attempt(&self) -> Result<(), AttemptError> {
        self.tools.env.meter.attempt();
        let ctx = self.ctx.child();
        let mut stream =
            self.conn.new_stream(&ctx, "/backup.Backup/backup").await.map_err(AttemptError::Status)?;
        match stream.send_msg(&*self.request).await {
            // the stream's end is told by what is received
            Ok(()) | Err(SendError::Eof) => {}
            Err(SendError::Status(status)) => return Err(AttemptError::Status(status)),
        }
        stream.close_send().await.map_err(AttemptError::Status)?;
        while let Some(response) = self.answer(&ctx, &mut stream).await.map_err(AttemptError::Status)? {
            let answer = Answer { store: self.store, response };
            self.ctx.run(self.answers.send(answer)).await.map_err(AttemptError::Context)?;
        }
        Ok(())
    }

    async fn answer(
        &self,
        ctx: &Ctx,
        stream: &mut ClientStream,
    ) -> Result<Option<backup::BackupResponse>, Status> {
        let Some(limit) = self.tools.behaviour.answer_within else { return stream.recv_msg().await };
        tokio::select! {
            biased;
            answer = stream.recv_msg() => answer,
            () = tokio::time::sleep(self.tools.env.scale.timer(limit)) => {
                ctx.cancel();
                Err(Status::deadline_exceeded("no response from the store for too long"))
            }
        }
    }
}
