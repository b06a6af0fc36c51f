//! Lets connections in and owns their tasks.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::conn;
use crate::link::Link;

/// How long to wait after an accept or a listen failed, for want of file descriptors usually.
const RETRY: Duration = Duration::from_millis(50);

/// Runs until the link is shut down and all its connections have ended.
pub(crate) async fn run(link: Arc<Link>) {
    let mut conns = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = link.stopped() => break,
            () = link.door_changed() => {}
            Some(_) = conns.join_next() => {}
            admitted = std::future::poll_fn(|cx| link.poll_admit(cx)) => {
                if let Ok(admitted) = admitted {
                    conns.spawn(conn::run(admitted.member, admitted.conn, admitted.orders));
                } else {
                    let _either_way = tokio::time::timeout(RETRY, link.stopped()).await;
                }
            }
        }
    }
    while conns.join_next().await.is_some() {}
}
