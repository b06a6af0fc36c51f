//! Raw keys.

use rust_client_tests::Running;
use tikv_client::RawClient;

use crate::{KEYS, client, key, spec};

#[test]
fn what_was_put_is_read_again_from_every_region() {
    client(async {
        let cluster = Running::start(spec());
        let client = RawClient::new(cluster.pd()).await.unwrap();
        for name in KEYS {
            assert_eq!(client.get(key(name)).await.unwrap(), None);
            client.put(key(name), format!("value of {name}")).await.unwrap();
            let value = format!("value of {name}").into_bytes();
            assert_eq!(client.get(key(name)).await.unwrap(), Some(value));
        }
    });
}
