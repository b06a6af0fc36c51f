//! Somebody else's Toxiproxy in the place of our proxies: `unstuck proxy` as a program, and Toxiproxy itself where
//! `.ci/clients` has brought it; else the output says so by name.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::future::Future;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use fake_tikv::proto::pdpb::GetMembersRequest;
use fake_tikv::proto::pdpb::pd_client::PdClient;
use fake_tikv::{Node, Observed, Speed};
use libtest_mimic::{Arguments, Trial};
use tonic::transport::Endpoint;
use unstuck::client::{Client, Env, Failure, Scale, Timers, Workload};
use unstuck::fault::{Accept, Flow, Injection, OnInject, Plan, Rule};
use unstuck::probe::meter::Counts;
use unstuck::run::{ClusterSize, Setup, Status, WorldKind, run_case};
use unstuck_record::{Evidence, Expect, Outcome, Run, Verdict, Work};

const MS: Duration = Duration::from_millis(1);

fn main() {
    let args = Arguments::from_args();
    let own = [
        trial("ours/faults_are_carried_out_healed_and_told", || {
            let server = Server::ours();
            let run = server.run(vec![failure(), delay()]);
            let [failed, late] = evidence(&run)[..] else { panic!("two faults") };
            assert!(failed.closed > 0, "{failed:?}");
            assert!(late.delayed > 0, "{late:?}");
            assert_eq!(verdict(&run), (Outcome::Completed, Verdict::Pass));
            assert_eq!(server.proxies(), "{}", "they are deleted at the end");
        }),
        trial("ours/ctrl_c_deletes_the_proxies", ctrl_c),
        trial("a_fault_that_it_cannot_carry_out_is_an_error_before_the_run", inexpressible),
    ];
    let theirs = trial("toxiproxy/a_fault_of_which_it_tells_nothing_is_never_a_pass", || {
        let server = Server::theirs();
        let run = server.run(vec![failure()]);
        assert!(evidence(&run)[0].closed > 0, "its metrics count what ended: {:?}", evidence(&run));
        assert_eq!(verdict(&run), (Outcome::Completed, Verdict::Pass));
        // it was late all the same: the client has waited for it
        let run = server.run(vec![delay()]);
        assert_eq!(evidence(&run), [Evidence::default()]);
        assert_eq!(verdict(&run).1, Verdict::Unknown);
        assert_eq!(server.proxies(), "{}");
    });
    let theirs = if toxiproxy().is_file() {
        theirs
    } else {
        theirs.with_kind("not run: no target/toxiproxy/server, see .ci/clients").with_ignored_flag(true)
    };
    libtest_mimic::run(&args, own.into_iter().chain([theirs]).collect()).exit();
}

fn trial(name: &str, run: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, || {
        run();
        Ok(())
    })
}

/// A server of the API, which ends with the test.
struct Server {
    child: Child,
    at: String,
}

impl Server {
    fn ours() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unstuck"));
        command.args(["proxy", "--port", "0"]).env("LOG_LEVEL", "disabled").stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let at = line.split_once("http://").unwrap().1.split(',').next().unwrap().to_owned();
        Self { child, at }
    }

    fn theirs() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(toxiproxy());
        command.args(["-host", "127.0.0.1", "-port", &free.port().to_string(), "-proxy-metrics"]);
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        // it says nothing when it is ready: it is when it can be asked
        while TcpStream::connect(free).is_err() {
            assert_eq!(child.try_wait().unwrap(), None, "it runs");
            std::thread::yield_now();
        }
        Self { child, at: free.to_string() }
    }

    fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// What `GET /proxies` says.
    fn proxies(&self) -> String {
        let mut conn = TcpStream::connect(&self.at).unwrap();
        write!(conn, "GET /proxies HTTP/1.0\r\nHost: {}\r\n\r\n", self.at).unwrap();
        let mut answer = String::new();
        conn.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// A case through it.
    fn run(&self, injections: Vec<Injection>) -> Run {
        let workload = Workload {
            regions: 3,
            batches: 1,
            batch_bytes: 1,
            workers: 1,
            connections: 1,
            duration: Duration::from_secs(1),
        };
        let setup = Setup {
            file: "outer".into(),
            line: 1,
            case: "outer".into(),
            client: Arc::new(Asking { until: injections.last().unwrap().end }),
            world: WorldKind::Tcp,
            outer: Some(self.url()),
            trace: false,
            scale: Scale::REAL,
            seed: 7,
            cluster: ClusterSize::default(),
            workload,
            plan: Plan { triggers: vec![], injections },
            recovery: Duration::from_secs(20),
            within: Some(Duration::from_secs(60)),
            expect: Expect::default(),
            variant: None,
            again: None,
            notes: vec![],
        };
        run_case(&setup, None, &Arc::new(Status::default())).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn toxiproxy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/toxiproxy/server")
}

fn failure() -> Injection {
    let rule = Rule { accept: Accept::Refuse, inject: OnInject::Close, ..Rule::default() };
    injection("failure", rule, 500)
}

fn delay() -> Injection {
    let late = Flow::Delay { latency: 20 * MS, jitter: Duration::ZERO };
    injection("network_delay", Rule { up: late, down: late, ..Rule::default() }, 1500)
}

/// For half a second, on the link to the first PD member.
fn injection(kind: &str, rule: Rule, start_ms: u32) -> Injection {
    Injection {
        kind: kind.into(),
        links: vec![Node::Pd(0)],
        rule,
        nodes: vec![],
        peers: vec![],
        effect: None,
        trigger: None,
        led_by: None,
        start: start_ms * MS,
        end: (start_ms + 500) * MS,
    }
}

fn evidence(run: &Run) -> Vec<Evidence> {
    run.end.as_ref().unwrap().evidence.clone()
}

fn verdict(run: &Run) -> (Outcome, Verdict) {
    let judgement = run.judgement.as_ref().unwrap();
    (judgement.outcome, judgement.verdict)
}

/// Asks PD again and again, past the last heal and until it is answered after it.
#[derive(Debug)]
struct Asking {
    until: Duration,
}

impl Client for Asking {
    fn name(&self) -> &'static str {
        "asking"
    }
    fn revision(&self) -> &'static str {
        "1"
    }
    fn unit(&self) -> &'static str {
        "answers"
    }
    fn runs_in_sim(&self) -> bool {
        false
    }
    fn timers(&self) -> Timers {
        let longest = Duration::from_secs(5);
        Timers { longest, backoff_cap: longest, restart_period: longest }
    }
    fn speed(&self, _: &Workload, _: u32) -> Speed {
        Speed::default()
    }
    fn run(&self, env: Env) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> {
        let until = self.until;
        env.meter.expect(1);
        Box::pin(async move {
            let end = tokio::time::Instant::now() + until;
            let channel = Endpoint::new(format!("http://{}", env.pd[0])).unwrap().connect_lazy();
            let mut pd = PdClient::new(channel);
            loop {
                let answered = pd.get_members(GetMembersRequest::default()).await.is_ok();
                if answered && tokio::time::Instant::now() > end {
                    env.meter.done("an answer after all".to_owned());
                    return Ok(());
                }
                tokio::time::sleep(5 * MS).await;
            }
        })
    }
    fn progress(&self, _: &Observed, counts: &Counts) -> (u64, u64) {
        (counts.unique(), counts.total)
    }
    fn audit(&self, _: &Observed, counts: &Counts) -> Work {
        Work { expected: 1, unique: counts.unique(), ..Work::default() }
    }
}

fn ctrl_c() {
    let server = Server::ours();
    let folder = std::env::temp_dir().join(format!("unstuck-outer-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let scenario = folder.join("idle.yaml");
    // a program that waits for ever
    let text = "client: {command: sleep, args: ['100000']}\ncases:\n  - {name: idle, faultType: failure, selector: tikv(random), \
                warmUpTime: 1h, faultDuration: 1s, expect: {within: 2h}}\n";
    std::fs::write(&scenario, text).unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_unstuck"))
        .args(["run", "--world", "tcp", "--proxy", &server.url(), "--results"])
        .args([&folder, &scenario])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines();
    let told = lines.find(|line| line.as_ref().unwrap().contains(&server.url()));
    assert!(told.is_some(), "it says where links can be changed");
    assert_eq!(
        server.proxies().matches("sleep--tikv-").count(),
        6,
        "three stores, each with its key and its name"
    );
    assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
    let rest: Vec<_> = lines.map(Result::unwrap).collect();
    assert_eq!(run.wait().unwrap().code(), Some(130), "{rest:?}");
    assert_eq!(server.proxies(), "{}");
    std::fs::remove_dir_all(folder).unwrap();
}

fn inexpressible() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/reported");
    let run = |args: &[&str], file: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unstuck"));
        command.args(["run", "--quiet", "--results"]).arg(std::env::temp_dir().join("unstuck-outer-none"));
        let ran = command.args(args).arg(scenarios.join(file)).output().unwrap();
        (ran.status.code(), String::from_utf8(ran.stderr).unwrap())
    };
    let nobody = "http://127.0.0.1:1";
    let (code, said) = run(&["--world", "tcp", "--proxy", nobody], "tidb-53519-br-partition.yaml");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("cannot carry out `network_partition`: it cannot make connects hang"), "{said}");
    let (code, said) = run(&["--proxy", nobody], "tidb-46321-tikv-failure.yaml");
    assert_eq!((code, &said[..]), (Some(4), "error: `--proxy` needs real sockets; give `--world tcp` too\n"));
    let (code, said) = run(&["--world", "tcp", "--proxy", "127.0.0.1:1"], "tidb-46321-tikv-failure.yaml");
    assert!(code == Some(4) && said.contains("for example `http://127.0.0.1:8474`"), "{said}");
}
