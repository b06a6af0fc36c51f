//! Shutdown, guards, many connections.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};

use unstuck_net::Net;
use unstuck_proxy::{Accept, Flow, Rule};

use crate::path::*;

#[test]
fn a_shutdown_ends_all_whatever_is_in_force() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let hang = path.proxy.apply(0, Rule { accept: Accept::Hang, ..both_ways(Flow::Blackhole) });
        path.proxy.shutdown();
        soon(path.proxy.ended()).await;
        expect_fin(&mut client).await;
        expect_fin(&mut node).await;
        assert_eq!(path.connect().await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(path.ends(), ["proxy shut down"]);
        drop(hang);
        let late = path.proxy.apply(1, accept(Accept::Refuse));
        drop(late);
        assert_eq!(path.connect().await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn the_last_clone_to_drop_shuts_down_although_a_guard_lives() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, _node) = path.open().await;
        let guard = path.proxy.apply(0, both_ways(Flow::Blackhole));
        let clone = path.proxy.clone();
        drop(path.proxy);
        expect_silence(&mut client).await;
        drop(clone);
        expect_fin(&mut client).await;
        drop(guard);
    });
}

#[test]
fn a_guard_heals_on_panic_on_abort_and_outside_of_the_runtime() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let proxy = path.proxy.clone();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _guard = proxy.apply(0, accept(Accept::Refuse));
            std::panic::resume_unwind(Box::new("a client's bug"));
        }));
        assert!(panicked.is_err());
        path.open().await;

        let task = tokio::spawn(async move {
            let _guard = proxy.apply(0, accept(Accept::Refuse));
            std::future::pending::<()>().await;
        });
        tokio::time::sleep(MS).await;
        assert!(path.connect().await.is_err());
        task.abort();
        let _cancelled = task.await;
        path.open().await;

        let guard = path.proxy.apply(0, accept(Accept::Refuse));
        std::thread::spawn(move || drop(guard)).join().unwrap();
        path.open().await;
    });
}

#[test]
fn what_outlives_its_runtime_is_harmless() {
    let start = async |net: Net| {
        let proxy = Path::new(&net).proxy;
        let guard = proxy.apply(0, accept(Accept::Refuse));
        (guard, proxy)
    };
    for (guard, proxy) in [in_sim(start), on_sockets(start)] {
        drop(guard);
        assert_eq!(proxy.stats().conns, 0);
    }
}

#[test]
fn a_thousand_connections() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let mut pairs = Vec::new();
        for _ in 0..1000 {
            pairs.push(path.open().await);
        }
        assert_eq!(path.proxy.stats().conns, 1000);
        let guard = path.proxy.apply(0, both_ways(Flow::Blackhole));
        for (client, _) in &mut pairs {
            send(client, b"held").await;
        }
        tokio::time::sleep(50 * MS).await;
        if net.is_sim() {
            assert_eq!(path.proxy.evidence(0).bytes, 4000);
        }
        drop(guard);
        for (client, node) in &mut pairs {
            expect(node, b"held").await;
            healthy(client, node).await;
        }
        drop(pairs);
        assert_eq!(path.ended().await.iter().filter(|how| how.ends_with(" closed")).count(), 1000);
    });
}
