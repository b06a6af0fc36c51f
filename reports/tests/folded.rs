//! Folded dumps as people and machines read them.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use unstuck_record::digest::{
    Digest, Group, Holder, Member, Movement, Resource, Stack, Still, WaitKind, Waited,
};
use unstuck_record::{Frame, Runtime, Unread};
use unstuck_reports::dump::{Detail, html, terminal, write, write_movement};
use unstuck_reports::terminal::Style;

/// What must not come through as it is.
const EVIL: &str = "<script>alert('x')</script>\u{1b}[31m\u{202e}\"&";

fn frame(function: &str, file: &str, line: u32) -> Frame {
    Frame { function: function.into(), file: file.into(), line }
}

fn group(site: &str, kind: WaitKind, ids: std::ops::Range<u64>, minutes: u64, frames: Vec<Frame>) -> Group {
    let members = ids.clone().map(|id| Member {
        id: Some(id),
        count: 1,
        wait_minutes: Some(minutes),
        parent: Some(1),
        ..Member::default()
    });
    Group {
        tasks: ids.end - ids.start,
        state: "select".into(),
        oldest_minutes: Some(minutes),
        youngest_minutes: Some(minutes.saturating_sub(3)),
        wait: Waited { site: site.into(), kind, ..Waited::default() },
        stacks: vec![Stack {
            frames,
            created_by: Some(frame(
                "golang.org/x/sync/errgroup.(*Group).Go",
                "/go/pkg/mod/golang.org/x/sync@v0.2.0/errgroup/errgroup.go",
                72,
            )),
            members: members.collect(),
        }],
        ..Group::default()
    }
}

/// Workers that wait for a stream, others that wait for a lock, and a reader that idles.
fn digest() -> Digest {
    let grpc = "/go/pkg/mod/google.golang.org/grpc@v1.54.0";
    let mut quota = group(
        "NewStream/quota",
        WaitKind::Link,
        100..132,
        421,
        vec![
            frame(
                "google.golang.org/grpc/internal/transport.(*http2Client).NewStream",
                &format!("{grpc}/internal/transport/http2_client.go"),
                829,
            ),
            frame("google.golang.org/grpc.(*csAttempt).newStream", &format!("{grpc}/stream.go"), 486),
            frame("example.com/import/local.(*Backend).write", "/src/import/local/job.go", 231),
            frame("example.com/import/local.(*Backend).work", "/src/import/local/local.go", 1271),
        ],
    );
    quota.wait.what = "a stream on a gRPC connection that has as many open as its peer allows".into();
    quota.wait.on = vec![
        Resource { address: "0xc004e638c0".into(), waiting: 30, holders: vec![] },
        Resource { address: "0xc004e638d8".into(), waiting: 2, holders: vec![] },
    ];
    quota.started_by = Some(1);
    let mut lock = group(
        "Mutex",
        WaitKind::Lock,
        7..8,
        3,
        vec![
            frame("sync.(*Mutex).Lock", "/usr/local/go/src/sync/mutex.go", 46),
            frame(EVIL, "/src/<b>.go", 3),
        ],
    );
    lock.wait.on = vec![Resource {
        address: "0xc000123450".into(),
        waiting: 1,
        holders: vec![Holder {
            id: 100,
            function: "example.com/import/local.(*Backend).write".into(),
            state: "NewStream/quota".into(),
            minutes: Some(421),
        }],
    }];
    lock.stacks[0].members[0].labels = vec![("job".into(), EVIL.into())];
    lock.stacks[0].members[0].locked = true;
    let mut idle = group(
        "conn/read",
        WaitKind::Link,
        200..300,
        500,
        vec![frame("net/http.(*persistConn).readLoop", "/usr/local/go/src/net/http/transport.go", 1)],
    );
    idle.idle = Some("an idle HTTP connection".into());
    Digest {
        source: "night/2.txt".into(),
        runtime: Some(Runtime::Go),
        form: "Go debug=2".into(),
        tasks: 133,
        stacks: 3,
        idle: 100,
        groups: vec![quota, lock, idle],
        unread: vec![Unread {
            line: 9_000,
            error: "the text ends within this goroutine".into(),
            text: EVIL.into(),
        }],
    }
}

fn movement() -> Movement {
    let quota = &digest().groups[0];
    Movement {
        dumps: vec![("1.txt".into(), 130), ("2.txt".into(), 133)],
        moved: 2,
        new: 4,
        gone: 1,
        idle: 100,
        still: vec![Still {
            ids: (100..132).collect(),
            first: 0,
            last: 1,
            wait: quota.wait.clone(),
            frames: quota.stacks[0].frames.clone(),
            created_by: None,
            proved: true,
            before: "1.txt: task 100 [select, 61 minutes]".into(),
            after: "2.txt: task 100 [select, 421 minutes]".into(),
        }],
        grown: vec![],
    }
}

#[test]
fn a_dump_begins_with_its_numbers_and_names_the_worst_wait_first() {
    insta::assert_snapshot!(terminal(&digest(), None, Detail::default(), Style::default()));
}

#[test]
fn a_series_tells_first_what_did_not_move_and_quotes_both_dumps() {
    insta::assert_snapshot!(terminal(&digest(), Some(&movement()), Detail::default(), Style::default()));
}

#[test]
fn everything_is_told_when_it_is_asked_for() {
    let detail = Detail { all: true, tree: true };
    insta::assert_snapshot!(terminal(&digest(), None, detail, Style::default()));
}

#[test]
fn nothing_of_a_dump_reaches_the_terminal_or_the_page_as_more_than_text() {
    let text = terminal(&digest(), Some(&movement()), Detail { all: true, tree: true }, Style::default());
    assert!(!text.contains(['\u{1b}', '\u{202e}']) && text.contains("\\u{1b}[31m"), "{text}");
    let page = html(&[digest()], Some(&movement()));
    assert!(!page.contains("<script>alert") && !page.contains(['\u{1b}', '\u{202e}']), "{page}");
    assert!(page.contains("&lt;script&gt;alert('x')") && page.contains("/src/&lt;b&gt;.go"), "{page}");
}

/// No font, no image, no other file; and it can be read in the dark.
#[test]
fn the_page_needs_nothing_but_itself() {
    let page = html(&[digest(), digest()], Some(&movement()));
    for other in ["http://", "https://", "src=", "href=", "url(", "@import", "javascript"] {
        assert!(!page.contains(other), "{other}");
    }
    assert!(page.contains("default-src 'none'") && page.contains("light-dark("));
    let count = |text: &str| page.matches(text).count();
    for tag in ["details", "summary", "table", "tr", "td", "dl", "dt", "dd", "section", "pre"] {
        assert_eq!(
            count(&format!("<{tag}>")) + count(&format!("<{tag} ")),
            count(&format!("</{tag}>")),
            "{tag}"
        );
    }
}

#[test]
fn every_line_of_json_fits_the_schema() {
    let schema = include_str!("../schema/dump.json");
    let schema = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let mut out = vec![];
    write(&mut out, &digest()).unwrap();
    write_movement(&mut out, &movement()).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    for line in &lines {
        schema.validate(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    let task = lines[0]["tasks"].as_array().unwrap().iter().find(|task| task["id"] == 7).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(task).unwrap());
}
