//! What nodes say about themselves.

use fake_tikv::Node;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::fixture::{spec, with};

async fn check(client: &mut HealthClient<Channel>) -> ServingStatus {
    client.check(HealthCheckRequest::default()).await.unwrap().into_inner().status()
}

#[test]
fn every_node_serves_until_it_is_told_not_to() {
    with(spec(), |f| async move {
        for node in [Node::Pd(0), Node::Store(2)] {
            let mut client = HealthClient::new(f.channel(node).await.unwrap());
            assert_eq!(check(&mut client).await, ServingStatus::Serving);
            f.cluster.set_serving(node, false);
            assert_eq!(check(&mut client).await, ServingStatus::NotServing, "{node}");
            let mut other = HealthClient::new(f.channel(Node::Store(1)).await.unwrap());
            assert_eq!(check(&mut other).await, ServingStatus::Serving);
            f.cluster.set_serving(node, true);
            assert_eq!(check(&mut client).await, ServingStatus::Serving);
        }
    });
}

#[test]
fn a_restarted_node_serves_again() {
    with(spec(), |f| async move {
        f.cluster.set_serving(Node::Store(2), false);
        f.cluster.stop(Node::Store(2));
        f.cluster.restart(Node::Store(2));
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        let mut client = HealthClient::new(f.channel(Node::Store(2)).await.unwrap());
        assert_eq!(check(&mut client).await, ServingStatus::Serving);
    });
}

#[test]
fn whoever_watches_hears_of_each_change() {
    with(spec(), |f| async move {
        let mut client = HealthClient::new(f.channel(Node::Store(1)).await.unwrap());
        let mut changes = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
        assert_eq!(changes.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
        f.cluster.set_serving(Node::Store(1), false);
        assert_eq!(changes.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
        f.cluster.stop(Node::Store(1));
        assert!(changes.message().await.is_err());
    });
}

#[test]
fn a_service_that_a_node_does_not_have_is_not_found_but_can_be_watched() {
    with(spec(), |f| async move {
        let mut client = HealthClient::new(f.channel(Node::Store(1)).await.unwrap());
        let request = HealthCheckRequest { service: "tikvpb.Coprocessor".into() };
        assert_eq!(client.check(request.clone()).await.unwrap_err().code(), Code::NotFound);
        let mut changes = client.watch(request).await.unwrap().into_inner();
        assert_eq!(changes.message().await.unwrap().unwrap().status(), ServingStatus::ServiceUnknown);
    });
}
