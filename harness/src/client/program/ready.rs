//! Waits until a program has started, by what the scenario says is the sign of it.

use std::time::Duration;

use tokio::net::TcpStream;

use super::fetch;
use super::output::Output;
use crate::scenario::program::Ready;

/// How often to look.
const LOOK: Duration = Duration::from_millis(50);
/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Returns when the program is ready; else why it is not after `within`.
pub(super) async fn wait(ready: &Ready, within: Duration, output: &Output) -> Result<(), String> {
    let mut last = String::from("nothing yet");
    let until_ready = async {
        match ready {
            Ready::Port(addr) => {
                last = format!("nothing accepts on {addr}");
                while looked(TcpStream::connect(addr)).await.is_none_or(|made| made.is_err()) {
                    tokio::time::sleep(LOOK).await;
                }
            }
            Ready::Http(url) => loop {
                last = match fetch::page(url, PATIENCE).await {
                    Ok(_) => return,
                    Err(error) => error,
                };
                tokio::time::sleep(LOOK).await;
            },
            Ready::Said(stream, regex) => {
                last = format!("no line on {} matches `{regex}`", stream.name());
                output.ready().await;
            }
        }
    };
    match tokio::time::timeout(within, until_ready).await {
        Ok(()) => Ok(()),
        Err(_) => Err(last),
    }
}

async fn looked<T>(look: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(PATIENCE, look).await.ok()
}
