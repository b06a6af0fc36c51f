use super::*;

fn end(component: Component, qualifier: Qualifier) -> Endpoint {
    Endpoint { component, qualifier }
}

#[test]
fn the_selectors_of_the_reports_are_read() {
    assert_eq!(Selector::parse("tikv(random)"), Ok(Selector::Nodes(end(Component::Tikv, Qualifier::Random))));
    let (br, all) = (end(Component::Br, Qualifier::All), end(Component::All, Qualifier::All));
    assert_eq!(Selector::parse("br_to_all"), Ok(Selector::Links { source: br, target: all }));
}

#[test]
fn aliases_mean_what_they_abbreviate() {
    for (alias, long) in [
        ("pdleader", "pd(leader)"),
        ("pdfollower", "pd(follower)"),
        ("pdfollower(random)", "pd(follower)"),
        ("client_to_pdleader", "client_to_pd(leader)"),
    ] {
        assert_eq!(Selector::parse(alias), Selector::parse(long), "{alias}");
        assert!(Selector::parse(alias).is_ok(), "{alias}");
    }
    let all = Selector::parse("pdfollower(all)").unwrap();
    assert_eq!(all, Selector::Nodes(end(Component::Pd, Qualifier::Follower { all: true })));
}

#[test]
fn a_selector_shows_as_it_can_be_read_again() {
    for text in [
        "tikv(random)",
        "br_to_all",
        "raw_kv_to_all",
        "pdleader_to_pdfollower(all)",
        "lightning_to_tikv(2)",
        "pd(all)",
        "az1_to_az2",
        "tikv(fixed:2)",
        "pdfollower(fixed-percent:50)",
        "client_to_all(random)",
        "tikv(random-max-percent:60)_to_tikv(others)",
    ] {
        assert_eq!(Selector::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn a_mode_chooses_among_what_is_named() {
    let read = |text, mode| Selector::in_mode(text, Some(mode)).map(|selector| selector.to_string());
    let two = Mode::Some(Many::Fixed(2));
    for (text, mode, long) in [
        ("tikv", Mode::One, "tikv(random)"),
        ("tikv", Mode::All, "tikv(all)"),
        ("tikv(all)", two, "tikv(fixed:2)"),
        ("pd", two, "pd(fixed:2)"),
        ("pdfollower", Mode::One, "pdfollower(random)"),
        ("pdfollower(all)", two, "pdfollower(fixed:2)"),
        ("all", two, "all(fixed:2)"),
        ("client_to_tikv", two, "client_to_tikv(fixed:2)"),
        ("tikv_to_tikv(others)", two, "tikv(fixed:2)_to_tikv(others)"),
        ("tikv_to_pdleader", Mode::One, "tikv(random)_to_pdleader"),
    ] {
        assert_eq!(read(text, mode), Ok(long.to_owned()), "{text} {mode:?}");
        assert!(Selector::parse(long).is_ok(), "{long}");
    }
    for text in
        ["tikv(random)", "tikv(0)", "pdleader", "tikv(fixed:2)", "client_to_tikv(0)", "tikv_to_pd", "br"]
    {
        assert!(read(text, two).is_err(), "{text}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (text, part, hint) in [
        ("tkiv(random)", "tkiv", "did you mean `tikv`?"),
        ("tikv(randm)", "randm", "did you mean `random`?"),
        ("tikv(random", "tikv(random", "component(qualifier)"),
        ("br_to_tikv", "tikv", "say which"),
        ("br_to_", "", "tikv"),
        ("tikv(leader)", "leader", "only `pd`"),
        ("pdleader(0)", "0", "one leader"),
        ("br(random)_to_all", "random", "leave it out"),
        ("tidb(ddl-owner)_to_all", "tidb", "`client_to_all`"),
        ("az0", "az0", "tikv"),
        ("az1(random)", "random", "leave it out"),
        ("client_to_kafka", "kafka", "unstuck proxy"),
        ("tikv(others)", "tikv(others)", "tikv(0)_to_tikv(others)"),
        ("br_to_client", "br_to_client", "name a node"),
        ("tikv(99999999999)", "99999999999", "count from 0"),
        ("tikv(fixed:0)", "fixed:0", "a number of nodes"),
        ("tikv(fixd:2)", "fixd:2", "did you mean `fixed`?"),
        ("tikv(fixed-percent:101)", "fixed-percent:101", "percentage"),
        ("br(fixed:2)_to_all", "fixed:2", "leave it out"),
        ("pdleader(fixed:1)", "fixed:1", "one leader"),
    ] {
        let e = Selector::parse(text).expect_err(text);
        assert_eq!(&text[e.span.clone()], part, "{text}: {e:?}");
        assert!(e.hint.contains(hint), "{text}: {e:?}");
    }
}
