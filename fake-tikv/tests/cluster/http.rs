//! PD's HTTP API, beside gRPC and etcd on the same port.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use fake_tikv::answer::{After, How, Script, Then, When};
use fake_tikv::journal::Filter;
use fake_tikv::proto::etcdserverpb::cluster_client::ClusterClient;
use fake_tikv::proto::etcdserverpb::kv_client::KvClient;
use fake_tikv::proto::etcdserverpb::{MemberListRequest, PutRequest, RangeRequest};
use fake_tikv::proto::import_sstpb::SwitchModeRequest;
use fake_tikv::proto::pdpb::GetMembersRequest;
use fake_tikv::{Cluster, Mode, Node, Spec};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use unstuck_net::{Clock, Net};

use crate::fixture::{Fixture, spec, with};
use crate::plain::{ask, get, say};

impl Fixture {
    fn pd_addr(&self) -> SocketAddr {
        self.addr(Node::Pd(self.cluster.pd_leader()))
    }
    async fn state_names(&self) -> Vec<String> {
        let stores = get(&self.net, self.pd_addr(), "/pd/api/v1/stores").await.json();
        let names = stores["stores"].as_array().unwrap().iter();
        names.map(|store| store["store"]["state_name"].as_str().unwrap().to_owned()).collect()
    }
}

/// gRPC, HTTP/1 and etcd on each member's one port.
async fn three_protocols(f: Fixture) {
    for member in 0..3 {
        let addr = f.addr(Node::Pd(member));
        let members = f.pd(member).await.get_members(GetMembersRequest::default()).await.unwrap();
        let version = get(&f.net, addr, "/pd/api/v1/version").await;
        assert_eq!((version.status, &version.json()["version"]), (200, &"v8.1.0".into()));
        assert!(!version.head.contains("\ndate:"), "{}", version.head);
        let channel = f.channel(Node::Pd(member)).await.unwrap();
        let list =
            ClusterClient::new(channel.clone()).member_list(MemberListRequest::default()).await.unwrap();
        let urls: Vec<_> = list.into_inner().members.into_iter().map(|member| member.client_ur_ls).collect();
        let told: Vec<_> =
            members.into_inner().members.into_iter().map(|member| member.client_urls).collect();
        assert_eq!(urls, told);
        let mut kv = KvClient::new(channel);
        let key = RangeRequest { key: "/tidb/store/gcworker/saved_safe_point".into(), ..Default::default() };
        assert_eq!(kv.range(key.clone()).await.unwrap().into_inner().count, i64::from(member > 0));
        let put = PutRequest { key: key.key.clone(), value: "7".into(), ..Default::default() };
        kv.put(put).await.unwrap();
        let found = kv.range(key).await.unwrap().into_inner();
        assert_eq!((&found.kvs[0].value[..], found.kvs[0].version), (&b"7"[..], i64::from(member) + 1));
    }
}

#[test]
fn one_port_speaks_three_protocols() {
    with(spec(), three_protocols);
}

#[test]
fn one_port_speaks_three_protocols_over_real_sockets() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let net = Net::Tcp(unstuck_net::tcp::TcpNet::new(unstuck_net::tcp::TcpConfig::default()));
        let cluster = Cluster::start(&net, Clock::start(), spec()).await.unwrap();
        three_protocols(Fixture { net, cluster: cluster.clone() }).await;
        cluster.shutdown();
    });
}

#[test]
fn answers_are_pds() {
    with(Spec { pd: 1, regions: 2, ..spec() }, |f| async move {
        let mut all = String::new();
        for path in
            ["members", "health", "store/1", "regions/key?limit=1", "config/cluster-version", "nothing"]
        {
            let reply = get(&f.net, f.pd_addr(), &format!("/pd/api/v1/{path}")).await;
            writeln!(all, "GET {path}: {}\n{}", reply.status, reply.body).unwrap();
        }
        let id = f.cluster_id().await.to_string();
        insta::assert_snapshot!(all.replace(&id, "CLUSTER"));
    });
}

#[test]
fn a_store_that_is_not_heard_of_is_disconnected_and_later_down() {
    with(spec(), |f| async move {
        assert_eq!(f.state_names().await, ["Up"; 3]);
        f.cluster.stop(Node::Store(2));
        sleep(Duration::from_secs(15)).await;
        assert_eq!(f.state_names().await, ["Up"; 3]);
        sleep(Duration::from_secs(10)).await;
        assert_eq!(f.state_names().await, ["Up", "Disconnected", "Up"]);
        sleep(Duration::from_secs(30 * 60)).await;
        assert_eq!(f.state_names().await, ["Up", "Down", "Up"]);
        f.cluster.restart(Node::Store(2));
        assert_eq!(f.state_names().await, ["Up"; 3]);
    });
}

#[test]
fn keys_in_urls_are_bytes() {
    with(Spec { mode: Mode::Txn, ..spec() }, |f| async move {
        let second = f.regions().await[1].region.clone().unwrap();
        let (mut escaped, mut hex) = (String::new(), String::new());
        for byte in &second.start_key {
            write!(escaped, "%{byte:02X}").unwrap();
            write!(hex, "{byte:02X}").unwrap();
        }
        assert!(second.start_key.contains(&0xff) || second.start_key.contains(&0xf7), "{hex}");
        let stats = format!("/pd/api/v1/stats/region?start_key={escaped}&end_key=&count");
        assert_eq!(get(&f.net, f.pd_addr(), &stats).await.json()["count"], 5);
        for path in [format!("region/key/{escaped}"), format!("region/key/{hex}?format=hex")] {
            let region = get(&f.net, f.pd_addr(), &format!("/pd/api/v1/{path}")).await.json();
            assert_eq!((&region["id"], &region["start_key"]), (&second.id.into(), &hex.clone().into()));
        }
        let odd = get(&f.net, f.pd_addr(), "/pd/api/v1/region/key/abc?format=hex").await;
        assert_eq!(odd.status, 400);
    });
}

#[test]
fn a_follower_passes_on_to_the_leader_once_and_waits_for_one() {
    with(spec(), |f| async move {
        let leader = f.cluster.pd_leader();
        let follower = f.addr(Node::Pd((leader + 1) % 3));
        assert_eq!(get(&f.net, follower, "/pd/api/v1/stores").await.json()["count"], 3);
        let passed_on = "PD-Redirector: pd-9\r\n";
        let twice = ask(&f.net, follower, "GET /pd/api/v1/stores", passed_on, "").await;
        assert_eq!(
            (twice.status, &twice.body[..]),
            (500, "[PD:apiutil:ErrRedirectToNotLeader]redirect to not leader\n")
        );
        assert_eq!(ask(&f.net, f.pd_addr(), "GET /pd/api/v1/stores", passed_on, "").await.status, 200);

        f.cluster.freeze(Node::Pd(leader));
        let lost = get(&f.net, follower, "/pd/api/v1/stores").await;
        assert_eq!((lost.status, &lost.body[..]), (500, "[PD:apiutil:ErrRedirect]redirect failed\n"));
        f.cluster.resume(Node::Pd(leader));
        f.cluster.stop(Node::Pd(leader));
        let none = get(&f.net, follower, "/pd/api/v1/stores").await;
        assert_eq!(
            (none.status, &none.body[..]),
            (503, "[PD:apiutil:ErrRedirectNoLeader]redirect finds no leader\n")
        );
        let may = "PD-Allow-follower-handle: true\r\n";
        assert_eq!(ask(&f.net, follower, "GET /pd/api/v1/stores", may, "").await.status, 200);
        // most of the election time: the leader comes while this waits
        sleep(Duration::from_secs(5)).await;
        assert_eq!(get(&f.net, follower, "/pd/api/v1/health").await.json()[leader as usize]["health"], false);
    });
}

#[test]
fn a_tool_pauses_schedulers_and_changes_settings() {
    with(spec(), |f| async move {
        let at = f.pd_addr();
        let send = async |line: &str, body: &str| {
            let reply = ask(&f.net, at, line, "", body).await;
            (reply.status, reply.body)
        };
        let read = async |path: &str| get(&f.net, at, &format!("/pd/api/v1/{path}")).await.json();
        assert_eq!(read("schedulers").await[1], "balance-leader-scheduler");
        let pause = send("POST /pd/api/v1/schedulers/balance-leader-scheduler", r#"{"delay":300}"#).await;
        assert_eq!(pause, (200, "\"Pause or resume the scheduler successfully.\"\n".into()));
        assert_eq!(send("POST /pd/api/v1/schedulers/nobody", r#"{"delay":300}"#).await.0, 500);
        let set = send("POST /pd/api/v1/config?ttlSecond=300", r#"{"merge-schedule-limit":0}"#).await;
        assert_eq!(set, (200, "\"The config is updated.\"\n".into()));
        assert_eq!(read("config/schedule").await["merge-schedule-limit"], 0);
        assert_eq!(read("config/replicate").await["max-replicas"], 3);
        assert_eq!(send("POST /pd/api/v1/config", "{").await.0, 400);
        let rules = r#"{"sets":[{"id":"lightning/1","labels":[]}],"deletes":["x"]}"#;
        assert_eq!(send("PATCH /pd/api/v1/config/region-label/rules", rules).await.0, 200);
        assert_eq!(read("config/region-label/rules").await[0]["id"], "lightning/1");
        assert_eq!(read("config/region-label/rule/lightning%2F1").await["id"], "lightning/1");
        assert_eq!(send("DELETE /pd/api/v1/config/region-label/rule/lightning%2F1", "").await.0, 200);
        assert_eq!(send("POST /pd/api/v1/version", "").await.0, 405);
    });
}

#[test]
fn who_speaks_neither_protocol_is_told_so_by_pd_and_hung_up_on_by_a_store() {
    with(spec(), |f| async move {
        for nonsense in [
            &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
            b"hello\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nXX",
        ] {
            let answer = say(&f.net, f.pd_addr(), nonsense).await;
            assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{nonsense:?}: {answer:?}");
            // nothing but the server's own SETTINGS, where they were sent before the bytes came
            let answer = say(&f.net, f.addr(Node::Store(1)), nonsense).await;
            assert!(!answer.contains("HTTP"), "{nonsense:?}: {answer:?}");
        }
        let get = b"GET /pd/api/v1/stores HTTP/1.1\r\nHost: x\r\n\r\n";
        assert!(!say(&f.net, f.addr(Node::Store(1)), get).await.contains("HTTP"));
        assert_eq!(f.state_names().await, ["Up"; 3]);
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered_or_hung_up_on_and_nobody_else_is_concerned(
        first in prop::sample::select(vec![
            "",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET /pd/api/v1/region/key/",
            "PATCH /pd/api/v1/config/region-label/rules HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
        ]),
        then: Vec<u8>,
    ) {
        with(Spec { regions: 1, ..spec() }, |f| async move {
            let bytes = [first.as_bytes(), &then].concat();
            for node in [Node::Pd(f.cluster.pd_leader()), Node::Store(1)] {
                let mut conn = f.net.connect(f.addr(node)).await.unwrap();
                let _ = conn.write_all(&bytes).await;
                let _ = conn.shutdown().await;
                let mut heard = Vec::new();
                let _ = conn.read_to_end(&mut heard).await;
            }
            assert_eq!(f.state_names().await, ["Up"; 3]);
            f.import(1).await.switch_mode(SwitchModeRequest::default()).await.unwrap();
        });
    }
}

#[test]
fn who_takes_for_ever_to_say_something_is_hung_up_on() {
    with(spec(), |f| async move {
        for first in [&b""[..], b"PRI * HT", b"GET /pd/api/v1/stores HTTP/1.1\r\nHost: x\r\n"] {
            for addr in [f.pd_addr(), f.addr(Node::Store(1))] {
                let mut conn = f.net.connect(addr).await.unwrap();
                conn.write_all(first).await.unwrap();
                let mut heard = Vec::new();
                // one byte now and then, so that it is never silent for long
                let slowly = async {
                    loop {
                        sleep(Duration::from_secs(9)).await;
                        if conn.write_all(b"a").await.is_err() {
                            break;
                        }
                    }
                };
                let end = tokio::time::timeout(Duration::from_secs(600), slowly).await;
                assert!(end.is_ok(), "{first:?} at {addr}");
                let _ = conn.read_to_end(&mut heard).await;
            }
        }
    });
}

#[test]
fn answers_end_with_the_process() {
    with(spec(), |f| async move {
        let at = f.pd_addr();
        let mut kept = f.net.connect(at).await.unwrap();
        kept.write_all(b"GET /pd/api/v1/ping HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut head = [0; 15];
        kept.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        f.cluster.stop(Node::Pd(f.cluster.pd_leader()));
        let mut rest = Vec::new();
        let _ = kept.read_to_end(&mut rest).await;
        assert!(f.net.connect(at).await.is_err());
    });
}

/// A hung PD is as silent over HTTP as over gRPC.
#[test]
fn scripts_hold_refuse_and_cut_http_and_the_journal_sees_it() {
    with(spec(), |f| async move {
        let addr = f.pd_addr();
        let node = Node::Pd(f.cluster.pd_leader());
        get(&f.net, addr, "/pd/api/v1/store/1").await;
        get(&f.net, addr, "/pd/api/v1/store/987").await;
        get(&f.net, addr, "/pd/api/v1/nothing").await;

        let guard = f.cluster.script(Script::every(node, Then::Silence)).unwrap();
        let silent = get(&f.net, addr, "/pd/api/v1/stores");
        assert!(timeout(Duration::from_secs(3_600), silent).await.is_err());
        let late = async {
            sleep(Duration::from_secs(60)).await;
            assert_eq!(guard.matched().get(), 2);
            drop(guard);
        };
        let begin = tokio::time::Instant::now();
        let (answer, ()) = tokio::join!(get(&f.net, addr, "/pd/api/v1/stores"), late);
        assert_eq!((answer.status, begin.elapsed().as_secs()), (200, 60));

        let then = Then::Status { code: 14, message: "try later".into() };
        let guard = f.cluster.script(Script::every(node, then)).unwrap();
        let answer = get(&f.net, addr, "/pd/api/v1/stores").await;
        assert_eq!((answer.status, &answer.body[..]), (503, "try later"));
        drop(guard);
        let cut = Then::Cut { after: After::Responses(0), how: How::Close };
        let guard = f.cluster.script(Script::every(node, cut)).unwrap();
        assert_eq!(say(&f.net, addr, b"GET /pd/api/v1/stores HTTP/1.1\r\nHost: x\r\n\r\n").await, "");
        drop(guard);
        // gRPC's methods are not HTTP's routes
        let then = Then::Status { code: 14, message: String::new() };
        let pds = When { method: "pdpb.PD/*".parse().unwrap(), ..When::default() };
        let guard = f.cluster.script(Script { when: pds, then }).unwrap();
        assert_eq!(get(&f.net, addr, "/pd/api/v1/stores").await.status, 200);
        assert_eq!(guard.matched().get(), 0);

        let seen: Vec<_> = f.cluster.journal().calls(&Filter::default());
        let seen: Vec<_> = seen.iter().map(|call| format!("{} {}", call.method, call.outcome)).collect();
        let stores = |outcome| format!("GET /pd/api/v1/stores {outcome}");
        assert_eq!(seen[..2], ["GET /pd/api/v1/store/{id} ok", "GET /pd/api/v1/store/{id} 404"]);
        assert!(seen[2].ends_with(" 404"), "{}", seen[2]);
        assert_eq!(seen[3..], ["gone", "ok", "503", "cut", "ok"].map(stores));
    });
}
