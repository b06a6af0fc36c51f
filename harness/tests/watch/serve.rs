//! A server on loopback that answers HTTP/1 as it is told.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// Serves until it drops; then nobody listens at its address.
pub(super) struct Server {
    pub(super) addr: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Hands each request's path, and how many requests came before it, to `answer`, which writes to the socket.
    pub(super) fn raw(answer: impl Fn(&str, u64, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (addr, stop) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        let (stopped, answer, before) = (Arc::clone(&stop), Arc::new(answer), Arc::new(AtomicU64::new(0)));
        thread::spawn(move || {
            for socket in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (answer, before) = (Arc::clone(&answer), before.fetch_add(1, Ordering::Relaxed));
                thread::spawn(move || {
                    let mut socket = socket.unwrap();
                    let mut head = vec![0; 4 << 10];
                    let length = socket.read(&mut head).unwrap_or(0);
                    let head = String::from_utf8_lossy(&head[..length]).into_owned();
                    let path = head.split_whitespace().nth(1).unwrap_or_default();
                    answer(path, before, &mut socket);
                });
            }
        });
        Self { addr, stop }
    }

    /// Answers with a status and a body.
    pub(super) fn new(answer: impl Fn(&str, u64) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::raw(move |path, before, socket| {
            let (status, body) = answer(path, before);
            let length = body.len();
            let text =
                format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            let _whoever_asked_is_gone = socket.write_all(text.as_bytes());
        })
    }

    /// A client that does one unit of work between two questions, `total` in all, and says so in JSON.
    pub(super) fn working(total: u64) -> Self {
        Self::new(move |_, before| (200, format!("{{\"done\": {}}}", before.min(total))))
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _wakes_the_acceptor = TcpStream::connect(self.addr);
    }
}
