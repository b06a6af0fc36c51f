//! Timestamps only ever grow, whatever happens to the members: a client dies when they do not.

use std::time::Duration;

use fake_tikv::Node;
use fake_tikv::proto::pdpb::pd_client::PdClient;
use fake_tikv::proto::pdpb::{GetMinTsRequest, Timestamp, TsoRequest};
use proptest::prelude::*;
use tokio::time::sleep;
use tokio_stream::once;
use tonic::Code;

use crate::fixture::{Fixture, spec, with};

/// What may happen between two timestamps.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Every member is asked so often at once, each time for so many.
    Ask(usize, u32),
    Stop(u32),
    Restart(u32),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..6_usize, 1..262_144_u32).prop_map(|(times, count)| Step::Ask(times, count)),
        1 => (0..3_u32).prop_map(Step::Stop),
        1 => (0..3_u32).prop_map(Step::Restart),
        1 => (0..15_000_u64).prop_map(Step::Wait),
    ]
}

impl Fixture {
    /// Batches of timestamps from a member, where it gives any: the first and the last of each. They are asked for at
    /// once, so that the clock stands while they are given.
    async fn batches(&self, member: u32, times: usize, count: u32) -> Vec<[(i64, i64); 2]> {
        let Ok(channel) = self.channel(Node::Pd(member)).await else { return vec![] };
        let requests = tokio_stream::iter(vec![TsoRequest { count, ..Default::default() }; times]);
        let Ok(answers) = PdClient::new(channel).tso(requests).await else { return vec![] };
        let (mut answers, mut batches) = (answers.into_inner(), Vec::new());
        while let Ok(Some(answer)) = answers.message().await {
            assert_eq!(answer.count, count);
            let Timestamp { physical, logical, .. } = answer.timestamp.unwrap();
            batches.push([(physical, logical - i64::from(count) + 1), (physical, logical)]);
        }
        batches
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn timestamps_grow_over_any_changes_of_leaders_and_restarts(
        steps in proptest::collection::vec(step(), 1..25),
        seed: u64,
    ) {
        with(fake_tikv::Spec { seed, regions: 1, ..spec() }, |f| async move {
            let (mut last, mut given) = ((0, 0), 0);
            for step in steps {
                match step {
                    Step::Ask(times, count) => {
                        for member in 0..3 {
                            for [first, end] in f.batches(member, times, count).await {
                                assert!(first > last, "{first:?} after {last:?}");
                                (last, given) = (end, given + 1);
                            }
                        }
                    }
                    Step::Stop(member) => f.cluster.stop(Node::Pd(member)),
                    Step::Restart(member) => f.cluster.restart(Node::Pd(member)),
                    Step::Wait(ms) => sleep(Duration::from_millis(ms)).await,
                }
            }
            // whatever happened, a healthy cluster gives timestamps again
            (0..3).for_each(|member| f.cluster.restart(Node::Pd(member)));
            sleep(Duration::from_secs(11)).await;
            let leader = f.cluster.pd_leader();
            let [first, end] = f.batches(leader, 1, 1).await.pop().expect("the leader gives timestamps");
            assert!(first > last, "{first:?} after {last:?}, {given} given");
            let min = f.pd(leader).await.get_min_ts(GetMinTsRequest::default()).await.unwrap();
            let min = min.into_inner().timestamp.unwrap();
            assert!((min.physical, min.logical) > end);
        });
    }
}

#[test]
fn followers_and_impossible_counts_are_refused_in_pds_words() {
    with(spec(), |f| async move {
        let leader = f.cluster.pd_leader();
        let refused = async |member: u32, count: u32| {
            let answer = f.pd(member).await.tso(once(TsoRequest { count, ..Default::default() })).await;
            let error = answer.unwrap().into_inner().message().await.unwrap_err();
            assert_eq!(error.code(), Code::Unknown);
            error.message().to_owned()
        };
        // clients look for "is not leader"
        let words = "[PD:tso:ErrGenerateTimestamp]generate timestamp failed, ";
        assert_eq!(
            refused((leader + 1) % 3, 1).await,
            format!("{words}requested pd is not leader of cluster")
        );
        assert_eq!(refused(leader, 0).await, format!("{words}tso count should be positive"));
        assert!(refused(leader, u32::MAX).await.contains("maximum number of retries exceeded"));
    });
}
