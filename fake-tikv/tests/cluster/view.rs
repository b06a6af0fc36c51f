//! Clients that see the same cluster at other addresses.

use std::net::SocketAddr;

use fake_tikv::proto::etcdserverpb::MemberListRequest;
use fake_tikv::proto::etcdserverpb::cluster_client::ClusterClient;
use fake_tikv::proto::import_sstpb::SwitchModeRequest;
use fake_tikv::proto::pdpb::pd_client::PdClient;
use fake_tikv::proto::pdpb::{GetAllStoresRequest, GetMembersRequest};
use fake_tikv::{Node, View};
use tokio::time::sleep;

use crate::fixture::{Fixture, spec, with};
use crate::plain::get;

fn of(view: &View, node: Node) -> SocketAddr {
    view.nodes().into_iter().find(|(n, _)| *n == node).unwrap().1
}

/// Every address that a PD port tells, in whichever protocol: members thrice, stores twice.
async fn told(f: &Fixture, pd: SocketAddr) -> [Vec<String>; 2] {
    let mut client = PdClient::new(f.channel_to(pd).await.unwrap());
    let members = client.get_members(GetMembersRequest::default()).await.unwrap().into_inner();
    let leader = members.leader.unwrap().client_urls[0].clone();
    let members: Vec<_> = members.members.into_iter().map(|member| member.client_urls[0].clone()).collect();
    assert_eq!(leader, members[f.cluster.pd_leader() as usize]);
    let mut etcd = ClusterClient::new(f.channel_to(pd).await.unwrap());
    let list = etcd.member_list(MemberListRequest::default()).await.unwrap().into_inner();
    assert_eq!(list.members.into_iter().map(|m| m.client_ur_ls[0].clone()).collect::<Vec<_>>(), members);
    let http = get(&f.net, pd, "/pd/api/v1/members").await.json();
    assert_eq!(http["members"][0]["client_urls"][0], members[0]);
    assert_eq!(http["leader"]["client_urls"][0], leader);

    let stores = client.get_all_stores(GetAllStoresRequest::default()).await.unwrap().into_inner().stores;
    let stores: Vec<_> = stores.into_iter().map(|store| store.address).collect();
    let http = get(&f.net, pd, "/pd/api/v1/stores").await.json();
    let shown: Vec<_> =
        http["stores"].as_array().unwrap().iter().map(|s| s["store"]["address"].clone()).collect();
    assert_eq!(shown, stores);
    [members, stores]
}

#[test]
fn a_view_tells_its_own_addresses_in_every_answer() {
    with(spec(), |f| async move {
        let view = f.cluster.view().unwrap();
        let leader = Node::Pd(f.cluster.pd_leader());
        let urls = |addr: &dyn Fn(Node) -> SocketAddr| -> [Vec<String>; 2] {
            [
                (0..3).map(|member| format!("http://{}", addr(Node::Pd(member)))).collect(),
                (1..=3).map(|store| addr(Node::Store(store)).to_string()).collect(),
            ]
        };
        let (ours, theirs) = (urls(&|node| f.addr(node)), urls(&|node| of(&view, node)));
        assert!(ours.iter().flatten().all(|url| !theirs.iter().flatten().any(|other| other == url)));
        assert_eq!(told(&f, f.addr(leader)).await, ours);
        assert_eq!(told(&f, of(&view, leader)).await, theirs);

        let proxy: SocketAddr = "127.0.0.1:4242".parse().unwrap();
        view.advertise(Node::Store(2), proxy);
        f.cluster.advertise(Node::Store(3), "127.0.0.1:4343".parse().unwrap());
        assert_eq!(told(&f, of(&view, leader)).await[1][1..], [proxy.to_string(), theirs[1][2].clone()]);
        assert_eq!(told(&f, f.addr(leader)).await[1][1..], [ours[1][1].clone(), "127.0.0.1:4343".into()]);
    });
}

#[test]
fn a_views_ports_are_the_nodes_own_and_come_and_go_with_them() {
    with(spec(), |f| async move {
        f.cluster.stop(Node::Store(1));
        let view = f.cluster.view().unwrap();
        let switch = async |store: u64| {
            let channel = f.channel_to(of(&view, Node::Store(store))).await.ok()?;
            let mut client = fake_tikv::proto::import_sstpb::import_sst_client::ImportSstClient::new(channel);
            client.switch_mode(SwitchModeRequest::default()).await.ok()
        };
        assert!(switch(1).await.is_none(), "a stopped store does not listen");
        assert!(switch(2).await.is_some());
        f.cluster.stop(Node::Store(2));
        assert!(switch(2).await.is_none());
        f.cluster.restart(Node::Store(1));
        f.cluster.restart(Node::Store(2));
        sleep(std::time::Duration::from_millis(10)).await;
        assert!(switch(1).await.is_some() && switch(2).await.is_some());
    });
}

#[test]
fn a_store_that_joins_later_is_in_every_view() {
    with(spec(), |f| async move {
        let view = f.cluster.view().unwrap();
        let (id, addr) = f.cluster.add_store().unwrap();
        let seen = of(&view, Node::Store(id));
        assert_ne!(seen, addr);
        let leader = Node::Pd(f.cluster.pd_leader());
        assert_eq!(told(&f, of(&view, leader)).await[1][3], seen.to_string());
        assert_eq!(told(&f, f.addr(leader)).await[1][3], addr.to_string());
        let mut client = fake_tikv::proto::import_sstpb::import_sst_client::ImportSstClient::new(
            f.channel_to(seen).await.unwrap(),
        );
        client.switch_mode(SwitchModeRequest::default()).await.unwrap();
    });
}
