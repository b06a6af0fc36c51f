//! The page of a run as text: its structure, through the shared record. What it does is tested in a browser.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixture;

use unstuck_dump::{Allow, programs};
use unstuck_reports::batch::{Ended, Which};
use unstuck_reports::page::{self, Case};
use unstuck_reports::terminal::Aside;

fn page(cases: &[Case<'_>]) -> String {
    let mut out = vec![];
    page::write(&mut out, cases, Some("0c385e0")).unwrap();
    String::from_utf8(out).unwrap()
}

/// One element a line, without what stands in styles and scripts and without the hashes of these.
fn structure(page: &str) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some(start) =
        rest.find("<s").filter(|_| rest.contains("</style>") || rest.contains("</script>"))
    {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let name = ["style", "script"].into_iter().find(|name| from[1..].starts_with(name));
        let Some(name) = name else {
            out.push_str("<s");
            rest = &from[2..];
            continue;
        };
        let open = from.find('>').unwrap() + 1;
        let close = from.find(&format!("</{name}>")).unwrap();
        out.push_str(&from[..open]);
        rest = &from[close..];
    }
    out.push_str(rest);
    let out = out.replace("><", ">\n<");
    let words = out.split(' ').map(|word| if word.starts_with("'sha256-") { "'sha256'" } else { word });
    words.collect::<Vec<_>>().join(" ").replace(env!("CARGO_PKG_VERSION"), "[version]")
}

#[test]
fn a_stuck_case_tells_why_and_since_when_and_how_to_run_it_again() {
    let (run, judgement) = fixture::stuck();
    let programs = programs(&run, &Allow::known());
    let beside = [("goroutines", "results/run-0001/a.goroutines.txt".to_owned())];
    let aside = Aside { record: Some("results/run-0001/a.jsonl"), beside: &beside, wall_ms: Some(1640) };
    let ended = Ended::Judged { run: &run, judgement: &judgement, aside };
    insta::assert_snapshot!(structure(&page(&[Case { ended, programs: &programs }])));
}

#[test]
fn cases_without_a_record_are_told_too_and_no_cases_are_no_success() {
    let which = Which { file: "a.yaml", line: 7, case: "late", client: "br@fixed", world: "sim", seed: 3 };
    let broken = Ended::Broken { which, error: "no free port" };
    let cases = [Ended::NotRun(which), broken].map(|ended| Case { ended, programs: &[] });
    let text = page(&cases);
    assert!(text.contains("<title>NOT ALL RUN: 2 cases</title>") && text.contains("no free port"), "{text}");
    let text = page(&[]);
    assert!(text.contains("<title>NO CASES: 0 cases</title>") && text.contains("no case ran"), "{text}");
}

/// Nothing that the page writes can be markup: the script sets text and attributes, and never asks for more.
#[test]
fn the_scripts_make_text_only() {
    let scripts = [
        include_str!("../src/page/drawing.js"),
        include_str!("../src/page/timeline.js"),
        include_str!("../src/page/page.js"),
    ];
    for word in [
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "Function(",
        "fetch(",
        "import(",
    ] {
        assert!(scripts.iter().all(|script| !script.contains(word)), "{word}");
    }
}
