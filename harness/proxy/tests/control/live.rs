//! What can be read while connections live.

use serde_json::json;

use crate::http::ask;
use crate::server::{Server, counted, echo, open, say};

#[test]
fn a_connection_is_listed_with_its_bytes_and_its_toxics_while_it_lives() {
    let server = Server::start();
    let proxy = server.proxy("p", echo());
    assert_eq!(server.ask("GET", "/proxies/p/connections", ""), (200, json!([])));
    let mut conn = open(proxy);
    server.toxic("p", r#"{"type": "latency", "name": "late", "attributes": {"latency": 1}}"#);
    server.toxic("p", r#"{"type": "latency", "name": "not this one", "only": {"connection": 9}}"#);
    say(&mut conn);
    let live = || server.ask("GET", "/proxies/p/connections", "").1[0].clone();
    let moved = |way: &str| live()[way]["bytes"].clone();
    counted(|| (moved("upstream"), moved("downstream")), &(json!(10), json!(10)));
    let one = live();
    assert_eq!(one["connection"], 1);
    assert_eq!(one["client"], conn.local_addr().unwrap().to_string());
    assert_eq!(one["toxics"], json!(["late"]));
    assert!(one["ageMs"].is_u64());

    let (_, late) = server.ask("GET", "/proxies/p/toxics/late", "");
    let evidence = &late["evidence"];
    assert_eq!((&evidence["connections"], &evidence["liveConnections"]), (&json!(1), &json!(1)));
    assert_eq!((&evidence["metBytes"], &evidence["delayed"]), (&json!(5), &json!(1)));
    assert_eq!(server.ask("GET", "/proxies/nosuch/connections", "").0, 404);
}

#[test]
fn metrics_count_while_a_connection_lives_and_go_on_over_a_stop() {
    let server = Server::start();
    let node = echo();
    let proxy = server.proxy("a \"quoted\"\\name", node);
    let path = "/proxies/a%20%22quoted%22%5Cname";
    let mut conn = open(proxy);
    let labels = |way: &str| {
        format!(r#"{{direction="{way}",listener="{proxy}",proxy="a \"quoted\"\\name",upstream="{node}"}}"#)
    };
    let has = |line: &str| {
        let found = || {
            let text = ask(server.addr(), "GET", "/metrics", &[], "");
            assert_eq!(text.content_type.as_deref(), Some("text/plain; version=0.0.4; charset=utf-8"));
            let name = line.rsplit_once(' ').unwrap().0;
            text.body.lines().find(|other| other.starts_with(name)).map(str::to_owned)
        };
        counted(found, &Some(line.to_owned()));
    };
    for way in ["upstream", "downstream"] {
        has(&format!("toxiproxy_proxy_received_bytes_total{} 5", labels(way)));
        has(&format!("toxiproxy_proxy_sent_bytes_total{} 5", labels(way)));
    }
    has(r#"unstuck_proxy_connections{proxy="a \"quoted\"\\name"} 1"#);

    assert_eq!(server.ask("PATCH", path, r#"{"enabled": false}"#).0, 200);
    assert_eq!(server.ask("PATCH", path, r#"{"enabled": true}"#).0, 200);
    let _gone = std::io::Read::read(&mut conn, &mut [0]);
    open(proxy);
    has(&format!("toxiproxy_proxy_sent_bytes_total{} 10", labels("upstream")));
    has(r#"unstuck_proxy_accepted_total{proxy="a \"quoted\"\\name"} 2"#);
    server.ask("POST", &format!("{path}/toxics"), r#"{"type": "timeout", "stream": "upstream"}"#);
    has(
        r#"unstuck_toxic_bytes_total{proxy="a \"quoted\"\\name",stream="upstream",toxic="timeout_upstream",type="timeout"} 0"#,
    );
}

#[test]
fn an_update_reaches_a_live_connection() {
    let server = Server::start();
    let proxy = server.proxy("p", echo());
    let mut conn = open(proxy);
    server.toxic("p", r#"{"type": "latency", "attributes": {"latency": 3600000}}"#);
    std::io::Write::write_all(&mut conn, b"hello").unwrap();
    assert_eq!(
        server.ask("PATCH", "/proxies/p/toxics/latency_downstream", r#"{"attributes": {"latency": 0}}"#).0,
        200
    );
    std::io::Read::read_exact(&mut conn, &mut [0; 5]).unwrap();
    say(&mut conn);
}

#[test]
fn an_upstream_is_resolved_when_it_is_dialled() {
    let server = Server::start();
    let node = echo();
    open(server.proxy("by name", format!("localhost:{}", node.port())));
    open(server.proxy("without a host", format!(":{}", node.port())));
    // a name that leads nowhere is an error of that connection, not of the proxy
    let nowhere = server.proxy("nowhere", "nosuchhost.invalid:1");
    let mut conn = std::net::TcpStream::connect(nowhere).unwrap();
    assert_eq!(std::io::Read::read(&mut conn, &mut [0; 8]).unwrap_or(0), 0);
    assert_eq!(server.ask("GET", "/proxies/nowhere", "").1["enabled"], json!(true));
}
