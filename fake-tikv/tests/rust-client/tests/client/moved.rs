//! The cluster changes under a client that goes on.

use fake_tikv::Node;
use rust_client_tests::Running;
use tikv_client::RawClient;

use crate::{KEYS, client, key, spec};

#[test]
fn a_raw_client_goes_on_through_the_restart_of_each_store() {
    client(async {
        let cluster = Running::start(spec());
        let client = RawClient::new(cluster.pd()).await.unwrap();
        for store in 1..=3 {
            for name in KEYS {
                client.put(key(name), format!("{name}{store}")).await.unwrap();
            }
            cluster.stop(Node::Store(store));
            cluster.restart(Node::Store(store));
            for name in KEYS {
                let value = client.get(key(name)).await.unwrap();
                assert_eq!(
                    value,
                    Some(format!("{name}{store}").into_bytes()),
                    "after tikv-{store} restarted"
                );
            }
        }
    });
}
