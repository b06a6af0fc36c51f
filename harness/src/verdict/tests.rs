//! Every checker on records made by hand: what it must find, and what it must leave alone.

mod cases;
mod elsewhere;
mod foreign;
mod hang;
mod hostile;
mod phases;
mod removed;

/// Reports are shown with a record and its judgement; this is where the judgement comes from.
#[test]
fn the_judgement_that_reports_are_tested_with_is_ours() {
    let shown = include_str!("../../../reports/tests/stuck_lightning.judgement.json");
    let ours = super::judge(&unstuck_record::builder::stuck_lightning());
    assert_eq!(serde_json::from_str::<unstuck_record::Judgement>(shown).unwrap(), ours);
}
