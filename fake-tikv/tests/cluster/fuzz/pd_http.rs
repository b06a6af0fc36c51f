//! PD's HTTP API with requests that are nearly right: each is answered, and by an error of its own at worst.
//!
//! `PROPTEST_CASES=100000` makes a longer run.

use fake_tikv::{Node, Spec};
use proptest::prelude::*;

use crate::fixture::{spec, with};
use crate::plain::{ask, get};

/// Paths that are served, and with what.
const ROUTES: [&str; 22] = [
    "GET /pd/api/v1/stores?state=0",
    "GET /pd/api/v1/store/1",
    "GET /pd/api/v1/regions/key?key=a&end_key=z&limit=16",
    "GET /pd/api/v1/regions/store/1",
    "GET /pd/api/v1/regions/count?start_key=6B&end_key=",
    "GET /pd/api/v1/stats/region?start_key=a&end_key=b",
    "GET /pd/api/v1/region/id/2",
    "GET /pd/api/v1/region/key/k%00",
    "POST /pd/api/v1/config",
    "POST /pd/api/v1/config/schedule",
    "POST /pd/api/v1/config/replicate",
    "GET /pd/api/v1/schedulers",
    "POST /pd/api/v1/schedulers",
    "POST /pd/api/v1/schedulers/balance-region-scheduler",
    "DELETE /pd/api/v1/schedulers/balance-region-scheduler",
    "PATCH /pd/api/v1/config/region-label/rules",
    "GET /pd/api/v1/config/region-label/rules/ids",
    "POST /pd/api/v1/config/region-label/rule",
    "GET /pd/api/v1/config/region-label/rule/a",
    "DELETE /pd/api/v1/config/region-label/rule/a",
    "GET /pd/api/v1/min-resolved-ts/1",
    "GET /pd/api/v1/members",
];

/// Bodies that some of them take.
const BODIES: [&str; 6] = [
    "",
    "{\"max-merge-region-size\": 1, \"replication.max-replicas\": 3}",
    "{\"delay\": 300}",
    "{\"name\": \"balance-region-scheduler\"}",
    "{\"sets\": [{\"id\": \"a\", \"labels\": [{\"key\": \"schedule\", \"value\": \"deny\", \"ttl\": \"5m0s\"}], \
     \"rule_type\": \"key-range\", \"data\": [{\"start_key\": \"00\", \"end_key\": \"FF\"}]}], \"deletes\": [\"b\"]}",
    "{\"id\": \"a\", \"labels\": [{\"key\": \"k\", \"value\": \"v\"}], \"rule_type\": \"key-range\", \
     \"data\": [{\"start_key\": \"7a\", \"end_key\": \"7b\"}]}",
];

/// A part of a text is something else.
fn damaged() -> impl Strategy<Value = (usize, usize, String)> {
    let other = prop::sample::select(vec![
        "",
        "-1",
        "18446744073709551616",
        "1e999",
        "%",
        "%GG",
        "%ff",
        "null",
        "[]",
        "{",
        "\"",
        "a",
        "\u{e9}",
        "99999999999999999999999999999h",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    ]);
    (0_usize..200, 0_usize..8, other.prop_map(str::to_owned))
}

fn apply(text: &str, damage: &[(usize, usize, String)]) -> String {
    let mut text = text.to_owned();
    for (at, length, other) in damage {
        let boundary =
            |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let range = boundary(*at)..boundary(at + length);
        text.replace_range(range, other);
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn every_request_to_pd_is_answered_whatever_it_says(
        route in prop::sample::select(&ROUTES[..]),
        body in prop::sample::select(&BODIES[..]),
        in_the_path in prop::collection::vec(damaged(), 0..2),
        in_the_body in prop::collection::vec(damaged(), 0..3),
    ) {
        let (method, path) = route.split_once(' ').unwrap();
        let path = apply(path, &in_the_path).replace([' ', '"', '{', '}', '[', ']', '\u{e9}'], "+");
        let body = apply(body, &in_the_body);
        with(Spec { regions: 4, ..spec() }, |f| async move {
            let pd = f.addr(Node::Pd(f.cluster.pd_leader()));
            let path = if path.starts_with('/') { path } else { format!("/{path}") };
            let reply = ask(&f.net, pd, &format!("{method} {path}"), "Content-Type: application/json\r\n", &body).await;
            assert!((200..=501).contains(&reply.status), "{method} {path} {body}: {reply:?}");
            let stores = get(&f.net, pd, "/pd/api/v1/stores").await.json();
            assert_eq!(stores["count"], 3, "{method} {path} {body}");
        });
    }
}
