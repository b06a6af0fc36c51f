//! Each word that acts on links, in a real case in virtual time: what the client saw, and what the evidence says.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tonic::Code;
use unstuck::run::cases::{Choice, setup_with};
use unstuck::run::{Status, run_case};
use unstuck::scenario::fault_type::words;
use unstuck::scenario::load_bytes;
use unstuck_record::{Evidence, Run};

use super::client::{Calls, DEADLINE, Seen, watcher};

/// What came of a case.
pub(crate) struct Case {
    pub(crate) seen: Seen,
    pub(crate) evidence: Evidence,
    pub(crate) run: Run,
}

/// From the tenth second to the twentieth; the client calls for forty.
fn run(fault: &str) -> Case {
    run_at(fault, "client_to_pd(0)", "")
}

/// The same elsewhere, with more lines of the file.
pub(crate) fn run_at(fault: &str, selector: &str, more: &str) -> Case {
    let times = "warmUpTime: 10s, faultDuration: 10s";
    let yaml =
        format!("{more}\ncases: [{{name: case, faultType: '{fault}', selector: '{selector}', {times}}}]");
    let file = load_bytes("f", yaml.into_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
    let seen = Arc::new(Mutex::new(Seen::default()));
    let setup = setup_with(&file, &file.cases[0], Arc::new(watcher(&seen)), &Choice::default()).unwrap();
    let run = run_case(&setup, None, &Arc::new(Status::default())).unwrap();
    let seen = seen.lock().unwrap().clone();
    Case { seen, evidence: run.end.as_ref().unwrap().evidence[0], run }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn failed(calls: &Calls, code: Code) -> bool {
    calls.errors.contains(&code)
}

/// No call over the connection that was there came back in time.
fn silent(calls: &Calls) -> bool {
    calls.slowest >= DEADLINE || calls.slowest >= ms(2000) && !calls.errors.is_empty()
}

type Counts = fn(&Evidence) -> u64;
type Claim = fn(&Case) -> bool;

/// What is done to streams is counted in bytes, as far as it holds or alters any.
fn any(evidence: &Evidence) -> u64 {
    evidence.bytes + evidence.delayed + evidence.closed
}

/// A word with parameters, what of the evidence counts, and what the client saw. A call without a fault takes some
/// milliseconds.
const CASES: [(&str, Counts, Claim); 31] = [
    ("network_partition", |e| e.bytes.min(e.refused), |c| silent(&c.seen.kept) && silent(&c.seen.fresh)),
    (
        "network_partition(reject:true)",
        |e| e.closed.min(e.refused),
        |c| {
            c.seen.kept.dials > 1
                && failed(&c.seen.fresh, Code::Unavailable)
                && c.seen.fresh.slowest < ms(100)
        },
    ),
    ("blackhole(direction:from)", |e| e.bytes, |c| silent(&c.seen.kept) && silent(&c.seen.fresh)),
    ("stall_read(then:reset)", |e| e.bytes, |c| silent(&c.seen.kept) && silent(&c.seen.fresh)),
    ("reset", |e| e.closed, |c| c.seen.kept.dials == 2),
    ("close", |e| e.closed, |c| c.seen.kept.dials == 2),
    ("refuse", |e| e.refused, |c| c.seen.kept.errors.is_empty() && failed(&c.seen.fresh, Code::Unavailable)),
    ("connect_hang", |e| e.refused, |c| c.seen.kept.errors.is_empty() && c.seen.fresh.slowest >= DEADLINE),
    ("half_open", |e| e.closed, |c| silent(&c.seen.kept) && silent(&c.seen.fresh)),
    // there and back
    (
        "network_delay(latency:300ms,jitter:50ms,correlation:25%)",
        |e| e.delayed,
        |c| c.seen.kept.slowest >= ms(600) && c.seen.kept.errors.is_empty(),
    ),
    (
        "network_latency(latency:300ms,distribution:normal,direction:from)",
        |e| e.delayed,
        |c| (ms(300)..ms(600)).contains(&c.seen.kept.slowest),
    ),
    // the first retransmission comes after 200 ms
    ("network_loss(loss:30%,correlation:25%)", |e| e.delayed, |c| c.seen.kept.slowest >= ms(200)),
    ("network_corrupt(corrupt:30%)", |e| e.delayed, |c| c.seen.kept.slowest >= ms(200)),
    ("network_reorder(reorder:25%,latency:300ms)", |e| e.delayed, |c| c.seen.kept.slowest >= ms(300)),
    ("network_bandwidth(rate:200/s,direction:from)", |e| e.delayed, |c| c.seen.kept.slowest >= ms(500)),
    (
        "network_netem(latency:100ms,loss:20%,rate:10kbps,reorder:10%)",
        |e| e.delayed,
        |c| c.seen.kept.slowest >= ms(200),
    ),
    // the client closes a connection a call, and they stay
    ("slow_close(delay:3s)", |e| e.delayed, |c| most_connections(&c.run) >= 20),
    ("timeout(timeout:1s)", |e| e.bytes.min(e.closed), |c| c.seen.kept.dials > 2),
    ("reset_peer(timeout:1s)", |e| e.closed, |c| c.seen.kept.dials > 2),
    ("reset_peer(afterBytes:2KiB,direction:from)", |e| e.closed, |c| c.seen.kept.dials > 1),
    ("slicer(average_size:16B,delay:20ms)", |e| e.delayed, |c| c.seen.kept.slowest >= ms(200)),
    ("limit_data(bytes:1KiB,direction:from)", |e| e.closed, |c| c.seen.kept.dials > 2),
    ("corrupt(rate:2%)", |e| e.bytes, |c| !c.seen.kept.errors.is_empty() || c.seen.kept.dials > 1),
    (
        "h2_hold(path:/pdpb.PD/GetMembers,part:trailers,direction:from)",
        |e| e.bytes,
        |c| c.seen.kept.slowest >= DEADLINE && c.seen.kept.dials == 1,
    ),
    ("h2_delay(delay:1s)", |e| e.delayed, |c| c.seen.kept.slowest >= ms(1000) && c.seen.kept.dials == 1),
    ("h2_refuse(path:/pdpb.PD/*,nth:3)", any, |c| !c.seen.kept.errors.is_empty()),
    ("h2_reset(part:data,direction:from)", any, |c| failed(&c.seen.kept, Code::Cancelled)),
    ("h2_status(status:RESOURCE_EXHAUSTED)", any, |c| {
        failed(&c.seen.kept, Code::ResourceExhausted) && c.seen.kept.dials == 1
    }),
    ("h2_goaway(after_streams:5)", any, |c| c.seen.kept.dials > 2 && c.seen.kept.errors.is_empty()),
    ("h2_max_streams(limit:0)", any, |c| c.seen.kept.slowest >= DEADLINE),
    // its keepalive gives the connection up
    ("h2_drop_ping_acks", any, |c| c.seen.idle.dials > 1),
];

/// The most connections of a link that were open at once.
fn most_connections(run: &Run) -> u64 {
    run.samples.iter().flat_map(|sample| &sample.links).map(|link| link.conns).max().unwrap_or(0)
}

#[test]
fn a_client_sees_what_each_word_says_and_the_evidence_counts_it() {
    let mut wrong = String::new();
    for (fault, evidence, claim) in CASES {
        let case = run(fault);
        let touched = evidence(&case.evidence) > 0;
        let healed =
            [&case.seen.kept, &case.seen.fresh, &case.seen.idle].map(|calls| calls.last) == [Some(Ok(())); 3];
        if !(touched && claim(&case) && healed) {
            let told = format!("touched {touched}, healed {healed}, {:?}, {:?}", case.evidence, case.seen);
            writeln!(wrong, "{fault}: {told}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn each_word_for_links_has_a_case_here() {
    let on_links = words().filter(|word| word.at == "client_to_all" && word.name != "network_duplicate");
    for word in on_links {
        let has = |case: &&(&str, Counts, Claim)| case.0.split('(').next() == Some(word.name);
        assert!(CASES.iter().any(|case| has(&case)), "`{}` has no case", word.name);
    }
}

/// Without a fault no claim holds, so that each shows its own word's effect.
#[test]
fn without_a_fault_no_claim_holds() {
    let quiet = run("network_duplicate(duplicate:50%)");
    assert_eq!(quiet.evidence, Evidence::default(), "TCP shows nobody a duplicate");
    for (fault, _, claim) in CASES {
        assert!(!claim(&quiet), "{fault}: {:?}", quiet.seen);
    }
}
