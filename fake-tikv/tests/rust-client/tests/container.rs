//! The fake cluster as a container of testcontainers, for the Rust client on this machine. Needs an engine and the image of
//! `.ci/image`.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::net::TcpListener;

use fake_tikv::FakeTikv;
use testcontainers::ContainerAsync;
use testcontainers::runners::AsyncRunner;
use tikv_client::RawClient;

async fn puts_and_gets(container: &ContainerAsync<FakeTikv>, members: usize) {
    let pd: Vec<String> =
        FakeTikv::members(container).await.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(pd.len(), members);
    let client = RawClient::new(pd).await.unwrap();
    client.put("hello".to_owned(), "world").await.unwrap();
    assert_eq!(client.get("hello".to_owned()).await.unwrap(), Some(b"world".to_vec()));
}

#[tokio::test]
async fn a_client_finds_every_node_at_the_address_of_the_container() {
    let container = FakeTikv::default().pd(3).stores(5).arg("--regions=16").start().await.unwrap();
    puts_and_gets(&container, 3).await;
}

#[tokio::test]
async fn a_client_finds_every_node_on_ports_of_this_machine() {
    // four that were free just now
    let first = (20_000..30_000)
        .step_by(4)
        .find(|first| (*first..first + 4).all(|port| TcpListener::bind(("0.0.0.0", port)).is_ok()));
    let container = FakeTikv::default().published(first.unwrap()).start().await.unwrap();
    puts_and_gets(&container, 1).await;
    assert!(FakeTikv::members(&container).await.unwrap()[0].ip().is_loopback());
}
