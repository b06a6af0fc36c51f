//! Lets connections in, owns their tasks, and takes toxics out when their time is over.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::conn;
use crate::link::Link;

/// How long to wait after an accept or a listen failed, for want of file descriptors usually.
const RETRY: Duration = Duration::from_millis(50);

/// Runs until the link is shut down and all its connections have ended.
pub(crate) async fn run(link: Arc<Link>) {
    let mut conns = JoinSet::new();
    loop {
        let expiry = link.next_expiry();
        tokio::select! {
            biased;
            () = link.stopped() => break,
            now = expired(expiry) => link.expire(now),
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

/// Waits until then; for ever without a time.
async fn expired(at: Option<Instant>) -> Instant {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
    Instant::now()
}
