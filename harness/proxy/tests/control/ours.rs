//! What we add to Toxiproxy's API.

use serde_json::json;

use crate::server::{Server, echo, open, say};

#[test]
fn our_types_and_limits_come_back_as_they_were_given() {
    let server = Server::start();
    server.proxy("p", "127.0.0.1:1");
    for (given, attributes) in [
        (json!({"type": "blackhole"}), json!({})),
        (json!({"type": "stall_read"}), json!({})),
        (json!({"type": "freeze"}), json!({})),
        (json!({"type": "half_open"}), json!({})),
        (json!({"type": "refuse"}), json!({})),
        (json!({"type": "connect_hang"}), json!({})),
        (
            json!({"type": "loss", "attributes": {"rate": 0.25}}),
            json!({"rate": 0.25, "correlation": 0, "timeout": 200}),
        ),
        (
            json!({"type": "reorder", "attributes": {"rate": 0.5, "correlation": 0.1, "delay": 7}}),
            json!({"rate": 0.5, "correlation": 0.1, "delay": 7}),
        ),
        (json!({"type": "corrupt", "attributes": {"rate": 0.001}}), json!({"rate": 0.001})),
        (
            json!({"type": "latency", "attributes": {"latency": 5, "jitter": 2, "distribution": "pareto", "correlation": 0.5}}),
            json!({"latency": 5, "jitter": 2, "distribution": "pareto", "correlation": 0.5}),
        ),
        (
            json!({"type": "h2_reset", "attributes": {"path": "/tikvpb.Tikv/*", "nth": 3, "part": "trailers", "error": "CANCEL"}}),
            json!({"path": "/tikvpb.Tikv/*", "nth": 3, "part": "trailers", "error": "CANCEL"}),
        ),
        (
            json!({"type": "h2_goaway", "attributes": {"last_stream": 0, "after": 50}}),
            json!({"error": "NO_ERROR", "last_stream": 0, "after_streams": 0, "after": 50}),
        ),
        (
            json!({"type": "h2_delay", "attributes": {"delay": 7}}),
            json!({"path": "*", "part": "headers", "delay": 7}),
        ),
        (
            json!({"type": "h2_status", "stream": "upstream", "attributes": {"message": "no"}}),
            json!({"path": "*", "nth": 0, "status": 14, "message": "no"}),
        ),
        (json!({"type": "h2_max_streams", "attributes": {"limit": 5}}), json!({"limit": 5})),
        (json!({"type": "bandwidth", "attributes": {"rate": 5, "burst": 9}}), json!({"rate": 5, "burst": 9})),
    ] {
        let mut given = given;
        given["only"] = json!({"connection": 3, "client": "127.0.0.1:5000", "forMs": 600_000});
        let toxic = server.toxic("p", &given.to_string());
        assert_eq!(toxic["attributes"], attributes, "{given}");
        assert_eq!(toxic["only"], given["only"], "{given}");
        let path = format!("/proxies/p/toxics/{}", toxic["name"].as_str().unwrap());
        assert_eq!(server.ask("GET", &path, "").1["attributes"], attributes);
        assert_eq!(server.ask("DELETE", &path, "").0, 204);
    }
    let after = server.toxic("p", r#"{"type": "noop", "only": {"afterBytes": 100, "client": "127.0.0.1"}}"#);
    assert_eq!(after["only"], json!({"afterBytes": 100, "client": "127.0.0.1:0"}));
}

#[test]
fn a_toxic_that_is_limited_to_one_connection_touches_that_one() {
    let server = Server::start();
    let proxy = server.proxy("p", echo());
    let mut first = open(proxy);
    let mut second = open(proxy);
    server.toxic("p", r#"{"type": "reset_peer", "only": {"connection": 2}}"#);
    let error = std::io::Read::read(&mut second, &mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    say(&mut first);
    let (_, toxic) = server.ask("GET", "/proxies/p/toxics/reset_peer_downstream", "");
    assert_eq!((&toxic["evidence"]["connections"], &toxic["evidence"]["closed"]), (&json!(1), &json!(1)));
}

#[test]
fn a_typo_in_what_is_ours_is_named() {
    let server = Server::start();
    server.proxy("p", "127.0.0.1:1");
    for (toxic, why) in [
        (
            r#"{"type": "loss", "attributes": {"rats": 0.1}}"#,
            "unknown `attributes.rats`, choose from `rate`, `correlation`, `timeout`",
        ),
        (
            r#"{"type": "blackhole", "attributes": {"rate": 1}}"#,
            "unknown `attributes.rate`: there is none for this type",
        ),
        (
            r#"{"type": "noop", "only": {"conection": 1}}"#,
            "unknown `only.conection`, choose from `connection`, `client`, `afterBytes`, `forMs`",
        ),
        (
            r#"{"type": "noop", "only": {"client": "nobody"}}"#,
            "`only.client` must be an address, with a port or without: `127.0.0.1:5000`, not `nobody`",
        ),
        (
            r#"{"type": "h2_max_streams", "attributes": {"limit": 4294967296}}"#,
            "`attributes.limit` must be a whole number from 0 to 4294967295, not 4294967296",
        ),
        (
            r#"{"type": "h2_hold", "attributes": {"part": "body"}}"#,
            "`attributes.part` is wrong: `body` is no part of a stream; use `headers`, `data` or `trailers`",
        ),
        (
            r#"{"type": "latency", "attributes": {"distribution": "flat"}}"#,
            "`attributes.distribution` must be `uniform`, `normal` or `pareto`, not `flat`",
        ),
    ] {
        let (status, refused) = server.ask("POST", "/proxies/p/toxics", toxic);
        assert_eq!(
            (status, refused["error"].as_str().unwrap()),
            (400, &format!("bad request body: {why}")[..])
        );
    }
}

#[test]
fn a_link_of_a_running_case_takes_toxics_and_keeps_its_addresses() {
    let server = Server::start();
    let node = echo();
    let link = server.runtime.block_on(async {
        let quiet = std::sync::Arc::new(|_| {});
        unstuck_proxy::Proxy::start(&server.net, "client->tikv-1".to_owned(), node, 1, quiet)
    });
    let link = link.unwrap();
    let addr = link.addr();
    server.registry.register(link).unwrap();
    let path = "/proxies/client-%3Etikv-1";
    let mut conn = open(addr);
    let (_, view) = server.ask("GET", path, "");
    assert_eq!((&view["name"], &view["upstream"]), (&json!("client->tikv-1"), &json!(node.to_string())));

    assert_eq!(server.ask("PATCH", path, r#"{"enabled": false}"#).1["enabled"], json!(false));
    assert_eq!(std::io::Read::read(&mut conn, &mut [0; 8]).unwrap_or(0), 0);
    assert!(std::net::TcpStream::connect(addr).is_err());
    // its port is not to be had meanwhile
    let thief = json!({"name": "thief", "listen": addr.to_string(), "upstream": "x:1"});
    assert_eq!(server.ask("POST", "/proxies", thief.to_string()).0, 500);
    assert_eq!(server.ask("POST", "/reset", "").0, 204);
    open(addr);

    for (method, body) in [
        ("PATCH", r#"{"upstream": "localhost:1"}"#),
        ("PATCH", r#"{"listen": "localhost:0"}"#),
        ("DELETE", ""),
    ] {
        let (status, refused) = server.ask(method, path, body);
        assert_eq!(status, 409, "{method} {body}");
        assert!(refused["error"].as_str().unwrap().contains("link of a running case"), "{refused}");
    }
    open(addr);
}
