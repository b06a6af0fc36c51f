//! Drives a Toxiproxy at `ADDRESS` (the first argument) with `toxiproxy_rust`, as its users do, and looks at what comes
//! through the proxy. Ends with 0 if all is as its documentation says.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use toxiproxy_rust::client::Client;
use toxiproxy_rust::proxy::ProxyPack;

fn main() {
    let at = std::env::args().nth(1).expect("the address of the API");
    let client = Client::new(&at[..]);
    assert!(client.is_running());
    assert!(client.version().unwrap().contains("version"));

    let node = echo();
    let pack = |name: &str| ProxyPack::new(name.to_owned(), "127.0.0.1:0".to_owned(), node.to_string());
    let made = client.populate(vec![pack("one"), pack("two")]).unwrap();
    assert_eq!(made.iter().map(|proxy| &proxy.proxy_pack.name[..]).collect::<Vec<_>>(), ["one", "two"]);
    assert!(made.iter().all(|proxy| proxy.proxy_pack.enabled && proxy.proxy_pack.toxics.is_empty()));
    assert_eq!(client.all().unwrap().len(), 2);

    let proxy = client.find_and_reset_proxy("one").unwrap();
    let addr: SocketAddr = proxy.proxy_pack.listen.parse().unwrap();
    healthy(addr);

    // every toxic that it knows, both streams; it reads them all back
    proxy
        .with_latency("downstream".to_owned(), 1, 0, 1.0)
        .with_bandwidth("upstream".to_owned(), 1_000, 1.0)
        .with_slow_close("downstream".to_owned(), 1, 0.5)
        .with_timeout("upstream".to_owned(), 600_000, 0.0)
        .with_slicer("downstream".to_owned(), 3, 1, 1, 1.0)
        .with_limit_data("downstream".to_owned(), 1_000_000, 1.0);
    let toxics = proxy.toxics().unwrap();
    let named: Vec<_> = toxics.iter().map(|toxic| (&toxic.name[..], &toxic.stream[..])).collect();
    assert_eq!(
        named,
        [
            ("bandwidth_upstream", "upstream"),
            ("timeout_upstream", "upstream"),
            ("latency_downstream", "downstream"),
            ("slow_close_downstream", "downstream"),
            ("slicer_downstream", "downstream"),
            ("limit_data_downstream", "downstream"),
        ]
    );
    assert_eq!(toxics[0].attributes["rate"], 1_000);
    assert_eq!(client.find_proxy("one").unwrap().proxy_pack.toxics.len(), 6);
    proxy.apply(|| healthy(addr)).unwrap();
    assert!(proxy.toxics().unwrap().is_empty());

    // few bytes, then the end
    proxy
        .with_limit_data("downstream".to_owned(), 2, 1.0)
        .apply(|| assert_eq!(said(addr), b"he"))
        .unwrap();

    // down: connections end, further ones are refused; then all is well
    let mut open = TcpStream::connect(addr).unwrap();
    open.write_all(b"x").unwrap();
    open.read_exact(&mut [0]).unwrap();
    proxy
        .with_down(|| {
            assert_eq!(open.read(&mut [0]).unwrap_or(0), 0);
            assert_eq!(TcpStream::connect(addr).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        })
        .unwrap();
    healthy(addr);

    client.find_proxy("two").unwrap().disable().unwrap();
    proxy.with_timeout("downstream".to_owned(), 0, 1.0);
    client.reset().unwrap();
    assert!(client.all().unwrap().values().all(|proxy| proxy.proxy_pack.enabled));
    healthy(addr);

    for proxy in client.all().unwrap().values() {
        proxy.delete().unwrap();
    }
    assert!(client.all().unwrap().is_empty());
    assert!(TcpStream::connect(addr).is_err());
}

/// A node that says what it hears.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for conn in listener.incoming() {
            let mut conn = conn.unwrap();
            std::thread::spawn(move || {
                let mut echoed = conn.try_clone().unwrap();
                let _ends = std::io::copy(&mut conn, &mut echoed);
                let _gone = echoed.shutdown(std::net::Shutdown::Write);
            });
        }
    });
    addr
}

fn healthy(proxy: SocketAddr) {
    assert_eq!(said(proxy), b"hello");
}

/// What comes back of a greeting, until the end.
fn said(proxy: SocketAddr) -> Vec<u8> {
    let mut conn = TcpStream::connect(proxy).unwrap();
    conn.write_all(b"hello").unwrap();
    let mut said = vec![];
    let mut byte = [0];
    while said.len() < 5 && conn.read(&mut byte).unwrap_or(0) == 1 {
        said.push(byte[0]);
    }
    said
}
