//! The report as people and machines read it.

use serde_json::Value;
use unstuck_reports::regression::{Links, Report, json, markdown, page, plain, problem_cases, weekly};
use unstuck_reports::terminal::Style;

use crate::nights;
use crate::report;

fn all() -> Report {
    report(&nights::all())
}

fn hostile() -> Report {
    report(&nights::hostile())
}

/// The page, with links as whoever knows the folders would make them.
fn html(report: &Report) -> String {
    let (night, below) = (
        |night: usize| Some(format!("../{night}/index.html")),
        |path: &str| Some(format!("../../{}", path.len())),
    );
    let mut out = vec![];
    page(&mut out, report, Links { night: &night, below: &below }).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn on_a_terminal_what_is_new_and_bad_comes_first() {
    insta::assert_snapshot!(plain(&all(), Style::default()));
}

#[test]
fn for_chat_and_mail_it_is_short_and_reads_without_being_rendered() {
    insta::assert_snapshot!(markdown(&all(), Some("https://example.org/night")));
}

#[test]
fn json_fits_its_schema() {
    let schema: Value = serde_json::from_str(include_str!("../../schema/nightly.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for report in [all(), hostile()] {
        let mut value: Value = serde_json::from_str(&json::json(&report)).unwrap();
        assert!(
            schema.is_valid(&value),
            "{:?}",
            schema.iter_errors(&value).map(|e| e.to_string()).collect::<Vec<_>>()
        );
        value["failures"][0]["standing"] = "fine".into();
        assert!(!schema.is_valid(&value));
    }
}

#[test]
fn pingcaps_ci_reads_problem_cases_and_weekly_counts() {
    insta::assert_snapshot!(format!("{}\n{}", problem_cases(&all()), weekly(&all())));
}

#[test]
fn every_section_and_every_cell_of_the_page_is_there_and_each_bar_leads_to_its_night() {
    let report = all();
    let page = html(&report);
    let document = roxmltree_of(&page);
    let ids: Vec<&str> = document.descendants().filter_map(|node| node.attribute("id")).collect();
    let sections = ["new", "still", "missing", "flaky", "slower", "budget", "untouched", "fixed", "all"];
    let places: Vec<_> = sections.iter().map(|id| ids.iter().position(|found| found == id)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{ids:?}");
    for line in &report.cells {
        assert!(ids.contains(&line.anchor.as_str()), "{line:?}");
        let row = document.descendants().find(|node| node.attribute("id") == Some(&line.anchor)).unwrap();
        let links: Vec<String> =
            row.descendants().filter_map(|node| node.attribute("href")).map(str::to_owned).collect();
        let wanted: Vec<String> = line
            .points
            .iter()
            .map(|point| format!("../{}/index.html#{}", point.night, line.anchor))
            .collect();
        assert_eq!(links, wanted);
    }
}

/// The body as XML: what maud writes is, but for the elements without an end.
fn roxmltree_of(page: &str) -> roxmltree::Document<'static> {
    let body = page[page.find("<main>").unwrap()..=page.find("</main>").unwrap() + 6].to_owned();
    let closed =
        body.replace("spellcheck=\"false\">", "spellcheck=\"false\"/>").replace(" hidden>", " hidden=\"\">");
    roxmltree::Document::parse(Box::leak(closed.into_boxed_str())).unwrap()
}

#[test]
fn hostile_names_are_shown_and_do_nothing() {
    let report = hostile();
    let page = html(&report);
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>alert"), "{page}");
    assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'));
    let document = roxmltree_of(&page);
    let links = document.descendants().filter_map(|node| node.attribute("href"));
    assert!(links.clone().count() > 1);
    assert!(links.into_iter().all(|link| link.starts_with("../") || link.starts_with('#')));

    let plain = plain(&report, Style::default());
    assert!(!plain.contains('\u{1b}') && !plain.contains('\u{202e}'), "{plain}");

    let markdown = markdown(&report, None);
    let ticks = |line: &str| line.replace("\\`", "").matches('`').count();
    assert!(markdown.lines().all(|line| [0, 2].contains(&ticks(line))), "{markdown}");
    // what is in a code span is none of it markup; elsewhere all that could be is escaped
    let outside: String = markdown.replace("\\`", "").split('`').step_by(2).collect();
    let escaped = |markup: &str| outside.match_indices(markup).all(|(at, _)| outside[..at].ends_with('\\'));
    assert!(["<", "[", "]", "://", "# h"].into_iter().all(escaped) && !outside.contains('@'), "{outside}");
    assert!(!markdown.lines().any(|line| line.starts_with("# h")), "{markdown}");
}
