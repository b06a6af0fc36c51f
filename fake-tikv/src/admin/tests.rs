//! Requests that nobody sends: an answer in the API's own form each time, and the cluster goes on.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use tonic::codegen::Service;
use unstuck_net::sim::{SimConfig, SimNet, runtime};
use unstuck_net::{Clock, Net};

use super::*;
use crate::spec::Spec;

/// One valid request a path, on a cluster of three stores.
const VALID: [(&str, &str, &str); 33] = [
    ("GET", "/", ""),
    ("GET", "/cluster", ""),
    ("POST", "/nodes/tikv-1/stop", ""),
    ("POST", "/nodes/tikv-1/start", ""),
    ("POST", "/nodes/pd-0/restart", ""),
    ("POST", "/nodes/tikv-2/freeze", ""),
    ("POST", "/nodes/tikv-2/resume", ""),
    ("POST", "/nodes/tikv-3/advertise", r#"{"address": "127.0.0.1:4000"}"#),
    ("POST", "/nodes/tikv-3/health", r#"{"serving": false}"#),
    ("POST", "/pd/leader", r#"{"member": 1}"#),
    ("POST", "/stores", ""),
    ("POST", "/stores/1/address", ""),
    ("POST", "/stores/2/offline", ""),
    ("POST", "/stores/2/stay", ""),
    ("POST", "/stores/3/tombstone", ""),
    ("POST", "/regions/split", r#"{"keys": ["a"], "hexKeys": ["6162"]}"#),
    ("POST", "/regions/4/merge", r#"{"into": 5}"#),
    ("POST", "/regions/4/leader", r#"{"store": 2}"#),
    ("POST", "/regions/4/add-peer", r#"{"store": 2}"#),
    ("POST", "/regions/4/remove-peer", r#"{"store": 2}"#),
    ("POST", "/regions/4/move-peer", r#"{"from": 1, "to": 2}"#),
    ("POST", "/regions/4/scatter", ""),
    ("POST", "/partitions", r#"{"between": ["pd-0"], "and": ["pd-1", "tikv-1"], "lost": "to"}"#),
    ("POST", "/partitions/heal", r#"{"between": ["pd-0"], "and": ["pd-1", "tikv-1"], "lost": "both"}"#),
    ("GET", "/answers", ""),
    ("POST", "/answers", r#"{"when": {"method": "RawGet", "node": "tikv-1"}, "then": "silence"}"#),
    (
        "POST",
        "/answers",
        r#"{"when": {"calls": {"nth": 3}, "keys": {"start": "61", "end": "62"}}, "then": {"delay": {"ms": 9}}}"#,
    ),
    ("POST", "/answers", r#"{"then": {"regionError": {"kind": "serverIsBusy", "backoffMs": 5}}}"#),
    ("POST", "/answers", r#"{"then": {"cut": {"after": {"responses": 2}, "how": {"reset": {"code": 2}}}}}"#),
    ("DELETE", "/answers/1", ""),
    ("GET", "/journal?method=RawGet&node=tikv-1&outcome=ok&since=0&until=9&limit=100", ""),
    ("GET", "/journal/totals", ""),
    ("POST", "/shutdown", ""),
];

/// What is done to a request.
#[derive(Clone, Debug)]
enum Change {
    None,
    /// A value of the body is another.
    Value(Index, Value),
    /// A part of the path is another.
    Part(Index, String),
    /// Another verb, another body.
    Other(Index),
    /// Bytes of the body are others.
    Bytes(Index, Vec<u8>),
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop_oneof![(0..12_u64), any::<u64>()].prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof!["[a-z0-9-]{0,9}", "tikv-[1-4]", "pd-[0-3]", ".{0,9}"].prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        prop::collection::vec("tikv-[1-4]", 0..4).prop_map(Value::from),
        Just(json!({"every": 1, "nth": 0, "each": 0, "next": 0})),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let part = prop_oneof![
        (0..20_u64).prop_map(|id| id.to_string()),
        any::<u64>().prop_map(|id| id.to_string()),
        "tikv-[0-9]{1,3}|pd-[0-9]{1,20}|[a-z-]{0,12}|(%[0-9A-F]{2}){1,4}",
    ];
    prop_oneof![
        4 => Just(Change::None),
        4 => (any::<Index>(), value()).prop_map(|(at, value)| Change::Value(at, value)),
        3 => (any::<Index>(), part).prop_map(|(at, part)| Change::Part(at, part)),
        1 => any::<Index>().prop_map(Change::Other),
        2 => (any::<Index>(), prop::collection::vec(any::<u8>(), 0..6))
            .prop_map(|(at, bytes)| Change::Bytes(at, bytes)),
    ]
}

/// Every place of a value in a document, the document itself last.
fn places(value: &mut Value, at: &mut usize, new: &Value) -> bool {
    let inner = match value {
        Value::Array(all) => all.iter_mut().any(|inner| places(inner, at, new)),
        Value::Object(all) => all.values_mut().any(|inner| places(inner, at, new)),
        _ => false,
    };
    if inner {
        return true;
    }
    if *at == 0 {
        *value = new.clone();
        return true;
    }
    *at -= 1;
    false
}

fn changed((verb, path, body): (&str, &str, &str), change: &Change) -> (String, String, Vec<u8>) {
    let (mut verb, mut path, mut body) = (verb.to_owned(), path.to_owned(), body.as_bytes().to_vec());
    match change {
        Change::None => {}
        Change::Value(at, new) => {
            let mut document = serde_json::from_slice(&body).unwrap_or(json!({}));
            places(&mut document, &mut at.index(8), new);
            body = document.to_string().into_bytes();
        }
        Change::Part(at, part) => {
            let mut parts: Vec<&str> = path.split('/').collect();
            let at = at.index(parts.len());
            // a path begins with its slash
            if at > 0 {
                parts[at] = part;
            }
            path = parts.join("/");
        }
        Change::Other(at) => {
            let (other, _, its) = at.get(&VALID);
            (verb, body) = ((*other).to_owned(), its.as_bytes().to_vec());
        }
        Change::Bytes(at, bytes) => {
            let at = at.index(body.len() + 1);
            body.splice(at..at, bytes.iter().copied());
        }
    }
    (verb, path, body)
}

/// A request to the API as its server would pass it on; the status and body of the answer.
async fn ask(router: &mut Router, (verb, path, body): (&str, &str, Vec<u8>)) -> (u16, Vec<u8>) {
    let request = axum::http::Request::builder()
        .method(verb)
        .uri(path)
        .header("host", "127.0.0.1:1")
        .body(axum::body::Body::from(body))
        .expect("a request");
    let Ok(answer) = router.call(request).await;
    let status = answer.status().as_u16();
    (status, axum::body::to_bytes(answer.into_body(), usize::MAX).await.expect("a body").to_vec())
}

proptest! {
    #[test]
    fn any_request_is_answered_in_the_apis_own_form(
        requests in prop::collection::vec((any::<Index>(), change()), 1..40),
    ) {
        runtime(1).block_on(async {
            let net = Net::Sim(SimNet::new(SimConfig::default()));
            let spec = Spec { stores: 3, regions: 4, ..Spec::default() };
            let cluster = Cluster::start(&net, Clock::start(), spec).await.expect("it starts");
            let stop = Arc::new(Notify::new());
            let mut router = router(Api { cluster: cluster.clone(), stop });
            for (which, change) in &requests {
                let (verb, path, body) = changed(*which.get(&VALID), change);
                let (status, said) = ask(&mut router, (&verb, &path, body.clone())).await;
                let shown = || format!("{verb} {path} {}: {status} {}", body.escape_ascii(), said.escape_ascii());
                match status {
                    200 => {}
                    400..500 => {
                        let said: Value = serde_json::from_slice(&said).unwrap_or_else(|_| panic!("{}", shown()));
                        assert!(said["error"].is_string() && said["help"].is_string(), "{}", shown());
                    }
                    _ => panic!("{}", shown()),
                }
            }
            let (status, _) = ask(&mut router, ("GET", "/cluster", vec![])).await;
            assert_eq!(status, 200);
            cluster.shutdown();
        });
    }
}

#[test]
fn the_requests_that_fuzzing_begins_with_are_valid() {
    runtime(1).block_on(async {
        let net = Net::Sim(SimNet::new(SimConfig::default()));
        let spec = Spec { stores: 3, pd: 3, regions: 4, ..Spec::default() };
        let cluster = Cluster::start(&net, Clock::start(), spec).await.expect("it starts");
        let mut router = router(Api { cluster: cluster.clone(), stop: Arc::default() });
        for (verb, path, body) in VALID {
            let (status, said) = ask(&mut router, (verb, path, body.into())).await;
            // what the state refuses is a conflict; a region or script that there is not is not found
            let fits = matches!(status, 200 | 409) || (status == 404 && path.contains("/regions/"));
            assert!(fits, "{verb} {path}: {status} {}", said.escape_ascii());
        }
        cluster.shutdown();
    });
}
