//! `SplitRegion` over the wire.

use fake_tikv::proto::kvrpcpb::{SplitRegionRequest, SplitRegionResponse};
use fake_tikv::{Borders, Mode, Spec};

use crate::fixture::{Fixture, spec, with};

fn one(mode: Mode) -> Spec {
    Spec { regions: 2, keys_per_region: 0, mode, borders: Borders::At(vec!["m".into()]), ..spec() }
}

/// Asks the leader of the first region.
async fn split(f: &Fixture, keys: &[&'static str], is_raw_kv: bool) -> SplitRegionResponse {
    let (mut client, context) = f.led(0).await;
    let split_keys = keys.iter().map(|key| (*key).into()).collect();
    let request = SplitRegionRequest { context: Some(context), split_keys, is_raw_kv, ..Default::default() };
    client.split_region(request).await.unwrap().into_inner()
}
fn starts(answer: &SplitRegionResponse) -> Vec<&[u8]> {
    answer.regions.iter().map(|region| &region.start_key[..]).collect()
}

#[test]
fn the_answer_holds_the_new_regions_and_the_old_one_which_comes_last() {
    with(one(Mode::Raw), |f| async move {
        let origin = f.regions().await[0].region.clone().unwrap();
        let answer = split(&f, &["g", "c", "g"], true).await;
        assert_eq!(answer.region_error, None);
        assert_eq!(starts(&answer), [&b""[..], b"c", b"g"]);
        assert_eq!(answer.regions[2].id, origin.id);
        assert_eq!(
            (answer.left.as_ref(), answer.right.as_ref()),
            (answer.regions.first(), answer.regions.get(1))
        );
        let now: Vec<_> = f.regions().await.into_iter().filter_map(|region| region.region).collect();
        assert_eq!(now[..3], answer.regions);
        let epochs = answer.regions.iter().map(|region| region.region_epoch.unwrap().version);
        assert_eq!(epochs.collect::<Vec<_>>(), [3, 3, 3]);
    });
}

#[test]
fn keys_are_encoded_unless_they_are_raw_keys_of_api_v1() {
    let encoded = |key: &'static [u8]| [key, &[0; 7], &[248]].concat();
    for (mode, is_raw, want) in [
        (Mode::Raw, true, b"c".to_vec()),
        (Mode::Raw, false, encoded(b"c")),
        (Mode::Txn, false, encoded(b"c")),
        (Mode::V2, true, encoded(b"c")),
    ] {
        with(one(mode), |f| async move {
            let answer = split(&f, &["c"], is_raw).await;
            assert_eq!(answer.regions[1].start_key, want, "{mode:?} {is_raw}");
        });
    }
}

#[test]
fn keys_outside_are_passed_over_and_none_inside_is_an_error() {
    with(one(Mode::Raw), |f| async move {
        assert_eq!(starts(&split(&f, &["z", "c", ""], true).await), [&b""[..], b"c"]);
        let error = split(&f, &["z", ""], true).await.region_error.unwrap();
        assert_eq!(error.message, "no valid key found for split.");
        // a stale epoch is one, as for any command
        let (mut client, mut context) = f.led(0).await;
        context.region_epoch = Some(fake_tikv::proto::metapb::RegionEpoch::default());
        let request =
            SplitRegionRequest { context: Some(context), split_key: "b".into(), ..Default::default() };
        let answer = client.split_region(request).await.unwrap().into_inner();
        assert!(answer.region_error.unwrap().epoch_not_match.is_some());
    });
}
