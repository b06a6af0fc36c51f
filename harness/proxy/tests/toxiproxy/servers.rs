//! The two servers.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use libtest_mimic::Trial;
use tokio::runtime::Runtime;
use unstuck_net::Net;
use unstuck_net::tcp::{TcpConfig, TcpNet};
use unstuck_proxy::control::{Control, Exported, Limits};
use unstuck_proxy::registry::Registry;

use crate::exchanges::{free_port, plain, table, wrong};
use crate::http::Answer;
use crate::{brought, trial};

pub(crate) const TOXIPROXY: &str = "toxiproxy/server";

/// Ours, in this process.
pub(crate) struct Ours {
    control: Control,
    _proxies: Runtime,
}

impl Ours {
    pub(crate) fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let net = Net::Tcp(TcpNet::new(TcpConfig { buffer: None }));
        let registry = runtime.block_on(async { Registry::new(&net, 1, Arc::new(|_| {})) });
        let at = SocketAddr::from(([127, 0, 0, 1], 0));
        let exported = Exported { proxies: true, runtime: false };
        let control = Control::start(registry, at, exported, Limits::default(), Arc::new(|_| {})).unwrap();
        Self { control, _proxies: runtime }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.control.addr()
    }
}

/// Toxiproxy itself, as a process.
pub(crate) struct Theirs {
    child: Child,
    addr: SocketAddr,
}

impl Theirs {
    pub(crate) fn start() -> Self {
        // it prints no port that it has chosen itself
        let addr = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut server = Command::new(brought(TOXIPROXY));
        server.args(["-host", "127.0.0.1", "-port", &addr.port().to_string(), "-proxy-metrics"]);
        let mut child = server.stdout(Stdio::null()).spawn().unwrap();
        // it says nothing when it is ready: it is when it can be asked
        while TcpStream::connect(addr).is_err() {
            assert_eq!(child.try_wait().unwrap(), None, "it runs");
            std::thread::yield_now();
        }
        Self { child, addr }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("theirs/toxiproxy_answers_as_was_recorded_of_it", &[TOXIPROXY], || {
            let theirs = Theirs::start();
            let wrong = wrong(theirs.addr(), &table(), |one| &one.theirs);
            assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
        }),
        trial("theirs/ours_and_toxiproxy_answer_alike_field_by_field", &[TOXIPROXY], alike),
    ]
}

/// Both are asked the same, one after the other for the ports' sake. Where the record has a `*` their words may differ.
fn alike() {
    let table = table();
    let answers = |at: SocketAddr| table.iter().map(|one| one.ask(at)).collect::<Vec<_>>();
    let should = answers(Theirs::start().addr());
    let is = answers(Ours::start().addr());
    let mut compared = 0;
    let mut differ = vec![];
    for ((one, is), should) in table.iter().zip(is).zip(should) {
        if one.ours.is_some() {
            continue;
        }
        let fields = |answer: &Answer| match serde_json::from_str(&answer.body) {
            Ok(value) => plain(value).to_string(),
            Err(_) => answer.body.clone(),
        };
        let same_words = fields(&is) == fields(&should) || one.theirs.is_open();
        if !same_words || (is.status, &is.content_type) != (should.status, &should.content_type) {
            differ.push(format!("{}\n    ours   {is:?}\n    theirs {should:?}", one.asked));
        }
        compared += 1;
    }
    assert!(differ.is_empty(), "\n{}", differ.join("\n"));
    assert!(compared > 80, "only {compared} were compared");
}
