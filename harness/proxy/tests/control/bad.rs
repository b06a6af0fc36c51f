//! Bad input: one clear error each, and the others go on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use unstuck_proxy::control::{Exported, Limits};

use crate::http::ask;
use crate::server::{Server, echo, net, open, say};

#[test]
fn each_nonsense_is_one_clear_error() {
    let server = Server::start();
    let proxy = server.proxy("p", echo());
    let mut conn = open(proxy);
    server.toxic("p", r#"{"type": "noop"}"#);
    let (proxies, toxics, toxic) = ("/proxies", "/proxies/p/toxics", "/proxies/p/toxics/noop_downstream");
    for (method, path, body, status, error) in [
        ("POST", proxies, "{\"name\": \"x\",}", 400, "bad request body: trailing comma at line 1 column 14"),
        ("POST", proxies, "\"x\"", 400, "bad request body: it must be an object, not a string"),
        (
            "POST",
            proxies,
            "{\"enabled\": 1}",
            400,
            "bad request body: `enabled` must be true or false, not 1",
        ),
        (
            "PATCH",
            "/proxies/p",
            "{\"listen\": 80}",
            400,
            "bad request body: `listen` must be a string, not 80",
        ),
        ("POST", "/populate", "[[]]", 400, "bad request body: it must be an object, not an array"),
        ("POST", toxics, "{\"type\": \"latancy\"}", 400, "invalid toxic type"),
        (
            "POST",
            toxics,
            "{\"type\": \"latency\", \"attributes\": {\"jitter\": -9223372036854775808}}",
            400,
            "bad request body: `attributes.jitter` must be a whole number from 0 to 9223372036854775807, not -9223372036854775808",
        ),
        (
            "POST",
            toxics,
            "{\"type\": \"bandwidth\", \"attributes\": {\"rate\": 18446744073709551615}}",
            400,
            "bad request body: `attributes.rate` must be a whole number from 0 to 9223372036854775807, not 18446744073709551615",
        ),
        (
            "POST",
            toxics,
            "{\"type\": \"noop\", \"toxicity\": NaN}",
            400,
            "bad request body: expected value at line 1 column 30",
        ),
        (
            "POST",
            toxics,
            "{\"type\": \"noop\", \"toxicity\": 1e999}",
            400,
            "bad request body: number out of range at line 1 column 34",
        ),
        (
            "PATCH",
            toxic,
            "{\"toxicity\": -0.5}",
            400,
            "bad request body: `toxicity` must be a number from 0 to 1, not -0.5",
        ),
        ("PATCH", toxic, "{\"attributes\": 7}", 400, "bad request body: attributes must be an object, not 7"),
        ("GET", "/proxies/%FF", "", 404, "proxy not found"),
    ] {
        let (is, refused) = server.ask(method, path, body);
        assert_eq!(
            (is, &refused["error"], &refused["status"]),
            (status, &json!(error), &json!(status)),
            "{body}"
        );
    }
    // as deep as it likes, and as long
    let deep = "[".repeat(100_000);
    assert_eq!(server.ask("POST", proxies, &deep).0, 400);
    assert_eq!(server.ask("POST", proxies, " ".repeat(9 << 20)).0, 413);
    say(&mut conn);
}

#[test]
fn the_largest_numbers_are_taken_and_hurt_nobody() {
    let server = Server::start();
    let proxy = server.proxy("p", echo());
    let mut conn = open(proxy);
    let most = i64::MAX;
    for (kind, attributes) in [
        ("latency", json!({"latency": 0, "jitter": 0, "correlation": 1})),
        ("bandwidth", json!({"rate": most, "burst": most})),
        ("slow_close", json!({"delay": most})),
        ("timeout", json!({"timeout": most})),
        ("reset_peer", json!({"timeout": most})),
        ("slicer", json!({"average_size": most, "size_variation": most, "delay": 0})),
        ("limit_data", json!({"bytes": most})),
        ("loss", json!({"rate": 0, "timeout": most})),
        ("reorder", json!({"rate": 0, "delay": most})),
    ] {
        let toxic = json!({
            "type": kind,
            "attributes": attributes,
            "toxicity": u8::from(kind != "timeout"),
            "only": {"forMs": most},
        });
        server.toxic("p", &toxic.to_string());
    }
    say(&mut conn);
    server.toxic(
        "p",
        &json!({"type": "latency", "name": "late", "attributes": {"latency": most, "jitter": most}})
            .to_string(),
    );
    conn.write_all(b"hello").unwrap();
    assert_eq!(server.ask("DELETE", "/proxies/p/toxics/late", "").0, 204);
    conn.read_exact(&mut [0; 5]).unwrap();
    assert_eq!(server.ask("POST", "/reset", "").0, 204);
    say(&mut conn);
}

#[test]
fn a_taken_port_is_named_and_the_others_go_on() {
    let server = Server::start();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    let proxy = server.proxy("p", echo());
    let one = json!({"name": "q", "listen": at.to_string(), "upstream": "localhost:1"});
    let (status, refused) = server.ask("POST", "/proxies", one.to_string());
    assert_eq!(
        (status, &refused["error"]),
        (500, &json!(format!("listen tcp {at}: bind: address already in use")))
    );
    assert_eq!(server.ask("GET", "/proxies/q", "").0, 404);
    // its own listen address stays its own
    open(proxy);
    let (_, refused) = server.ask("PATCH", "/proxies/p", json!({"listen": at.to_string()}).to_string());
    assert_eq!(refused["error"], json!(format!("listen tcp {at}: bind: address already in use")));
    drop(taken);
    assert_eq!(server.ask("PATCH", "/proxies/p", r#"{"enabled": true}"#).0, 200);
    open(at);
}

#[test]
fn ten_thousand_proxies_are_made_listed_and_enabled_again() {
    let server = Server::start();
    let node = echo();
    let all: Vec<_> = (0..10_000)
        .map(|n| json!({"name": format!("p{n}"), "listen": "127.0.0.1:0", "upstream": node.to_string(), "enabled": n % 100 == 0}))
        .collect();
    let (status, made) = server.ask("POST", "/populate", json!(all).to_string());
    assert_eq!((status, made["proxies"].as_array().unwrap().len()), (201, 10_000));
    let (_, listed) = server.ask("GET", "/proxies", "");
    assert_eq!(listed.as_object().unwrap().len(), 10_000);
    open(listed["p9900"]["listen"].as_str().unwrap().parse().unwrap());
    let again = json!(all[..200]).to_string();
    assert_eq!(server.ask("POST", "/populate", again).0, 201);
    for n in 0..10_000 {
        server.registry.remove(&format!("p{n}")).unwrap();
    }
    assert_eq!(server.ask("GET", "/proxies", "").1, json!({}));
}

/// The node is silent to the SYNs of the first proxy. If anything of that stood in the way of the others, or of the API,
/// this would not end.
#[test]
fn an_upstream_that_never_answers_stands_in_nobodys_way() {
    let server = Server::start();
    let _within = server.runtime.enter();
    let port = net().reserve(net().any()).unwrap();
    let mut silent = port.listen().unwrap();
    silent.clog(true).unwrap();
    let (stuck, well) = (server.proxy("stuck", port.addr()), server.proxy("well", echo()));
    let waiting: Vec<_> = (0..20).map(|_| TcpStream::connect(stuck).unwrap()).collect();
    open(well);
    server.toxic("stuck", r#"{"type": "latency"}"#);
    let (_, live) = server.ask("GET", "/proxies/stuck/connections", "");
    assert!(live.is_array(), "{live}");
    assert_eq!(server.ask("PATCH", "/proxies/stuck", r#"{"enabled": false}"#).0, 200);
    for mut one in waiting {
        assert_eq!(one.read(&mut [0; 8]).unwrap_or(0), 0);
    }
    assert_eq!(server.ask("DELETE", "/proxies/stuck", "").0, 204);
    open(well);
}

/// As many connections as there are places say half a request and then nothing. They are hung up on, in the bounds that
/// are set here, and whoever waited for a place is answered.
#[test]
fn a_slow_loris_is_hung_up_on_and_the_others_are_answered() {
    let bound = Duration::from_millis(200);
    let server = Server::with(Limits { head: bound, answer: bound, connections: 4 });
    let half = [
        "GET /version HTTP/1.1\r\nHost: local",
        "",
        "POST /proxies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
    ];
    let lorises: Vec<_> = half
        .iter()
        .cycle()
        .take(4)
        .map(|half| {
            let mut conn = TcpStream::connect(server.addr()).unwrap();
            conn.write_all(half.as_bytes()).unwrap();
            (half, conn)
        })
        .collect();
    assert_eq!(server.ask("GET", "/version", "").0, 200);
    for (half, mut conn) in lorises {
        let mut said = String::new();
        let _reset_or_not = conn.read_to_string(&mut said);
        let status = said.split(' ').nth(1).map(str::to_owned);
        match &half[..half.len().min(4)] {
            "POST" => assert_eq!(status.as_deref(), Some("503"), "{said}"),
            _ => assert!(matches!(status.as_deref(), None | Some("408")), "{said}"),
        }
    }
}

/// The API has a thread of its own: it answers while the only thread of the proxies stands still.
#[test]
fn the_api_answers_while_the_proxies_runtime_stands_still() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let registry = runtime
        .block_on(async { unstuck_proxy::registry::Registry::new(&net(), 1, std::sync::Arc::new(|_| {})) });
    let at = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let control = unstuck_proxy::control::Control::start(
        registry,
        at,
        Exported::default(),
        Limits::default(),
        std::sync::Arc::new(|_| {}),
    )
    .unwrap();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (standing, stands) = std::sync::mpsc::channel();
    runtime.spawn(async move {
        standing.send(()).unwrap();
        let _until_then = released.recv();
    });
    stands.recv().unwrap();
    let made = ask(
        control.addr(),
        "POST",
        "/proxies",
        &[],
        r#"{"name": "p", "listen": "127.0.0.1:0", "upstream": "x:1"}"#,
    );
    assert_eq!(made.status, 201);
    assert_eq!(ask(control.addr(), "POST", "/proxies/p/toxics", &[], r#"{"type": "latency"}"#).status, 200);
    assert_eq!(ask(control.addr(), "DELETE", "/proxies/p", &[], "").status, 204);
    // nothing but what was asked for is exported
    assert_eq!(ask(control.addr(), "GET", "/metrics", &[], "").status, 404);
    release.send(()).unwrap();
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "latency",
            "loss",
            "upstream",
            "Downstream",
            "p",
            "127.0.0.1:0",
            "",
            "\u{0}"
        ])
        .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "name",
        "listen",
        "upstream",
        "enabled",
        "type",
        "stream",
        "toxicity",
        "attributes",
        "only",
        "latency",
        "jitter",
        "rate",
        "forMs",
        "client",
        "connection",
        "Type",
        "",
    ]);
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// Whatever a body is, there is an answer in Toxiproxy's form, and the proxy that was there is as it was. Names that would be
/// looked up are not worth the wait: hosts in `listen` are loopback or nonsense without a dot.
#[test]
fn no_body_brings_the_server_down() {
    let server = Server::start();
    let proxy = server.proxy("kept", echo());
    let mut conn = open(proxy);
    let paths = [
        ("POST", "/proxies"),
        ("POST", "/populate"),
        ("PATCH", "/proxies/other"),
        ("POST", "/proxies/other/toxics"),
        ("PATCH", "/proxies/other/toxics/noop_downstream"),
    ];
    server.proxy("other", "127.0.0.1:1");
    let body = prop_oneof![
        8 => any_json().prop_map(|json| json.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..64),
        // a document with one byte changed
        2 => (any_json(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(json, at, byte)| {
            let mut text = json.to_string().into_bytes();
            let at = at.index(text.len());
            text[at] = byte;
            text
        }),
    ];
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(path in prop::sample::select(paths.to_vec()), body in body)| {
        let (method, path) = path;
        let (status, answer) = server.ask_bytes(method, path, &body);
        prop_assert!(matches!(status, 200 | 201 | 204 | 400 | 404 | 409 | 500), "{}", status);
        if status >= 400 {
            prop_assert_eq!(&answer["status"], &json!(status));
            prop_assert!(answer["error"].is_string());
        }
    });
    say(&mut conn);
    assert_eq!(server.ask("GET", "/proxies/kept", "").1["enabled"], json!(true));
}
