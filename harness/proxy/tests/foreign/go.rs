//! A client and a server on grpc-go: unary calls and streams of two services, all at the same time over one connection.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};
use unstuck_proxy::toxic::h2::{Goaway, H2, Hold, Part, Paths, Refuse, Reset, Status};
use unstuck_proxy::toxic::{Only, Stream};
use unstuck_proxy::{Placed, Toxic};

use crate::link::{Link, heal_after};
use crate::program::{Server, run};
use crate::toxics::{PARTS, harmless, holds, toxic};
use crate::trial;

/// Calls to each of the two services: unary ones and streams.
const EACH: u64 = 16;

/// `go`, which must not touch the network: `.ci/clients` has brought the modules.
fn go(what: &str) -> Command {
    let mut go = Command::new("go");
    go.arg(what).env("GOPROXY", "off").env("GOFLAGS", "-mod=readonly");
    go.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go"));
    go
}

fn missing() -> Option<&'static str> {
    let mut modules = go("list");
    modules.args(["-deps", "./..."]).stdout(Stdio::null()).stderr(Stdio::null());
    match modules.status() {
        Err(_) => Some("no Go"),
        Ok(status) if !status.success() => Some("no Go modules"),
        Ok(_) => None,
    }
}

fn program() -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    Command::new(BUILT.get_or_init(|| {
        let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("grpc-go");
        let built = go("build").arg("-o").arg(&to).arg(".").output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        to
    }))
}

/// What both sides saw.
struct Seen {
    client: Value,
    server: Value,
}

/// Runs the client against the server. `heals` says when the toxic is taken out.
fn talk(toxic: &Toxic, heals: Heals) -> Seen {
    let mut server = program();
    server.arg("server");
    let (server, addr) = Server::start(server, ":");
    let link = Link::to(addr.parse().unwrap());
    let mut placed = Some(link.add(toxic));
    if let Heals::Soon = heals {
        heal_after(placed.take().unwrap(), Duration::from_millis(30));
    }
    let mut client = program();
    client.arg("client").arg(link.proxy.addr().to_string());
    let mut acts = None;
    let printed = run(client, |line| {
        if line == "others done" && matches!(heals, Heals::WhenOthersAreDone) {
            acts = placed.take().as_ref().map(Placed::evidence);
        }
    });
    if let Some(evidence) = acts {
        assert!(evidence.touched());
    }
    let client = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    let server = serde_json::from_str(server.end().trim()).unwrap();
    Seen { client, server }
}

#[derive(Clone, Copy)]
enum Heals {
    Never,
    Soon,
    WhenOthersAreDone,
}

impl Seen {
    /// All ends of the calls, over one connection; nothing is left open at the server.
    fn is(&self, touched: &Value, conns: u64) {
        let ends = json!({ "Touched": touched, "Other": { "OK": EACH } });
        assert_eq!(self.client, json!({ "conns": conns, "ends": ends }), "{}", self.server);
        assert_eq!(self.server["conns"], conns);
        assert_eq!(self.server["open"], 0, "{}", self.server);
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let missing = missing();
    let touched: Paths = "/chaos.Touched/*".parse().unwrap();
    let mut trials = vec![];
    let mut add = |name: String, run: Box<dyn FnOnce() + Send>| {
        trials.push(trial(format!("grpc-go/{name}"), missing, run));
    };
    for (name, toxic) in harmless(&touched) {
        add(
            name.clone(),
            Box::new(move || {
                let heals = match () {
                    () if !holds(&toxic) => Heals::Never,
                    // it holds the others, too
                    () if name == "hold_headers_up" => Heals::Soon,
                    () => Heals::WhenOthersAreDone,
                };
                let seen = talk(&toxic, heals);
                seen.is(&json!({ "OK": EACH }), 1);
                if name == "max_streams" {
                    assert!(seen.server["most"].as_u64().unwrap() <= 3, "{}", seen.server);
                } else {
                    assert!(seen.server["most"].as_u64().unwrap() > 3, "{}", seen.server);
                }
            }),
        );
    }
    let hold = Hold { path: touched.clone(), part: Part::Trailers };
    let hold = toxic(Stream::Downstream, H2::Hold(hold));
    add(
        "hold_trailers_down".to_owned(),
        Box::new(move || talk(&hold, Heals::WhenOthersAreDone).is(&json!({ "OK": EACH }), 1)),
    );
    let path = touched.clone();
    add(
        "refuse".to_owned(),
        Box::new(move || {
            let refuse = Refuse { path, ..Refuse::default() };
            let seen = talk(&toxic(Stream::Upstream, H2::Refuse(refuse)), Heals::Never);
            seen.is(&json!({ "Unavailable": EACH }), 1);
            assert_eq!(seen.server["all"], EACH + 1, "none of them was handled");
        }),
    );
    let path = touched.clone();
    add(
        "refuse_the_third".to_owned(),
        Box::new(move || {
            let refuse = Refuse { path, nth: 3, ..Refuse::default() };
            let seen = talk(&toxic(Stream::Upstream, H2::Refuse(refuse)), Heals::Never);
            // refused is not processed: the client tries again by itself
            seen.is(&json!({ "OK": EACH }), 1);
        }),
    );
    let path = touched.clone();
    add(
        "status".to_owned(),
        Box::new(move || {
            let status = Status { path, status: 8, message: "100% full".to_owned(), ..Status::default() };
            let seen = talk(&toxic(Stream::Upstream, H2::Status(status)), Heals::Never);
            seen.is(&json!({ "ResourceExhausted": EACH }), 1);
            assert_eq!(seen.server["all"], EACH + 1, "none of them was handled");
        }),
    );
    for (stream, part) in PARTS.into_iter().chain([(Stream::Downstream, Part::Trailers)]) {
        let error = "ENHANCE_YOUR_CALM".parse().unwrap();
        let reset = toxic(stream, H2::Reset(Reset { path: touched.clone(), nth: 0, part, error }));
        add(
            format!("reset_{part:?}_{stream:?}").to_lowercase(),
            Box::new(move || talk(&reset, Heals::Never).is(&json!({ "ResourceExhausted": EACH }), 1)),
        );
    }
    add(
        "goaway".to_owned(),
        Box::new(|| {
            let goaway = Goaway { after_streams: 5, ..Goaway::default() };
            let once = Toxic {
                only: Only { connection: Some(1), ..Only::default() },
                ..toxic(Stream::Downstream, H2::Goaway(goaway))
            };
            // what is open goes on, what is new goes over another connection
            talk(&once, Heals::Never).is(&json!({ "OK": EACH }), 2);
        }),
    );
    trials
}
