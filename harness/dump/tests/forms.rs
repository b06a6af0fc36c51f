//! Forms that no Go on this machine writes any more, and the ways in which dumps arrive: pasted, logged, cut short.

#![allow(
    clippy::unwrap_used,
    clippy::format_collect,
    reason = "a failed step is a failed test, and texts are short"
)]

use unstuck_dump::{Dump, Form, decode, parse, read, read_at};
use unstuck_record::Resource;

fn golden(name: &str) -> String {
    std::fs::read_to_string(format!("{}/testdata/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The functions of each task.
fn functions<'a>(dump: &Dump<'a>) -> Vec<Vec<&'a str>> {
    dump.tasks.iter().map(|task| dump.frames(task.stack).map(|frame| frame.function).collect()).collect()
}

fn only<'a>(dumps: &'a [Dump<'a>]) -> &'a Dump<'a> {
    assert_eq!(dumps.len(), 1);
    &dumps[0]
}

/// Go 1.10 to 1.16: arguments without groups, no `in goroutine`, a path of Windows, frames elided without a number.
#[test]
fn an_old_go_is_read() {
    let text = "goroutine 17 [chan receive (nil chan), 3 minutes, locked to thread]:\r\n\
        main.(*worker).wait(0xc000050f88, 0x0, 0x0)\r\n\
        \tC:/Users/qa/go/src/worker.go:12 +0x4a\r\n\
        ...additional frames elided...\r\n\
        created by main.main\r\n\
        \tC:/Users/qa/go/src/main.go:9 +0x65\r\n";
    let parsed = parse(text);
    let dump = only(&parsed.dumps);
    let task = dump.tasks[0];
    assert_eq!(
        (task.id, task.state, task.minutes, task.locked),
        (17, "chan receive (nil chan)", Some(3), true)
    );
    assert_eq!(functions(dump), [["main.(*worker).wait", "...additional frames elided..."]]);
    let frame = dump.frames(task.stack).next().unwrap();
    assert_eq!((frame.file, frame.line), ("C:/Users/qa/go/src/worker.go", 12));
    let created = dump.created_by(task.stack).unwrap();
    assert_eq!((created.function, created.line, task.parent), ("main.main", 9, 0));
}

/// Go 1.21 to 1.24: `gp=`, frame pointers, a counted elision, `synctest group`, C functions.
#[test]
fn a_fatal_error_of_a_newer_go_is_read() {
    let text = "fatal error: all goroutines are asleep - deadlock!\n\n\
        goroutine 1 gp=0xc0000061c0 m=nil [select (no cases), 2 minutes]:\n\
        runtime.gopark(0x0?, 0x0?, 0x0?, 0x0?, 0x0?)\n\
        \t/usr/local/go/src/runtime/proc.go:402 +0xce fp=0xc00004cf18 sp=0xc00004cef8 pc=0x43a4ee\n\
        ...42 frames elided...\n\
        non-Go function at pc=7f3a4c\n\
        main.main()\n\
        \t/src/main.go:5 +0x25\n\n\
        goroutine 5 [sleep, synctest group 4]:\n\
        \tgoroutine running on other thread; stack unavailable\n\
        created by main.main in goroutine 1\n\
        \t/src/main.go:4 +0x1d\n\
        exit status 2\n";
    let parsed = parse(text);
    assert_eq!(parsed.unread, []);
    let dump = only(&parsed.dumps);
    assert_eq!(
        functions(dump),
        [
            vec!["runtime.gopark", "...42 frames elided...", "non-Go function at pc=7f3a4c", "main.main"],
            vec!["goroutine running on other thread; stack unavailable"],
        ]
    );
    assert_eq!(dump.tasks.iter().map(|task| task.parent).collect::<Vec<_>>(), [0, 1]);
}

const PROSE: &str = "## Bug report\n\nThe import hangs, goroutine 7 [select] for hours (see below):\n\n```\n\
    goroutine 7 [select, 421 minutes]:\nmain.a(0x1)\n\t/src/a.go:1 +0x1\ncreated by main.b\n\t/src/b.go:2 +0x2\n```\n\n\
    and later 11 of these:\n\n```\n11 @ 0x1 0x2\n#\t0x1\tmain.(*T).a+0x7b\t\t/src/a.go:3\n#\t0x2\n```What now?\n";

#[test]
fn dumps_within_prose_are_read_and_the_prose_is_not() {
    let parsed = parse(PROSE);
    assert_eq!(parsed.unread, []);
    let [stacks, profile] = &parsed.dumps[..] else { panic!("{:?}", parsed.dumps) };
    assert_eq!((stacks.form, stacks.total(), functions(stacks)), (Form::GoStacks, 1, vec![vec!["main.a"]]));
    let told = functions(profile);
    assert_eq!(
        (profile.form, profile.total(), told),
        (Form::GoProfile, 11, vec![vec!["main.(*T).a", "0x2"]])
    );
}

/// As a log of containers, a quotation and an indented paste have them.
#[test]
fn what_stands_before_every_line_does_not_matter() {
    let plain = "goroutine 7 [select]:\nmain.a()\n\t/src/a.go:1 +0x1\n\ngoroutine 8 [select]:\nmain.b()\n\t/src/b.go:2\n";
    for prefix in ["> ", "    ", "tidb_1  | ", "2024-05-23T12:59:44.504 stderr F "] {
        let text: String = plain.lines().map(|line| format!("{prefix}{line}\n")).collect();
        let parsed = parse(&text);
        assert_eq!(functions(only(&parsed.dumps)), [["main.a"], ["main.b"]], "{prefix:?}");
    }
}

/// Whatever is there before the cut is read.
#[test]
fn a_dump_cut_anywhere_is_read_up_to_there() {
    let text = golden("go1.26/waits.debug2.txt");
    let whole = parse(&text).dumps[0].tasks.len();
    for end in (0..text.len()).filter(|&end| text.is_char_boundary(end)) {
        let parsed = parse(&text[..end]);
        let begun = text[..end].matches("goroutine ").count();
        let read = parsed.dumps.first().map_or(0, |dump| dump.tasks.len());
        assert!(read <= whole && parsed.dumps.len() <= 1 && read <= begun, "{end}");
        // a header that is whole counts
        let headers =
            text[..end].lines().filter(|line| line.starts_with("goroutine ") && line.ends_with("]:")).count();
        assert!(read >= headers, "{end}");
    }
}

#[test]
fn a_dump_that_ends_within_a_goroutine_says_so() {
    let parsed = parse("goroutine 7 [select]:\nmain.a()\n\t/src/a.go:1 +0x1\nmain.b(0x");
    assert_eq!(functions(&parsed.dumps[0]), [["main.a"]]);
    assert_eq!((parsed.unread[0].line, parsed.unread[0].text), (4, "main.b(0x"));
}

#[test]
fn what_cannot_be_read_keeps_its_text_its_line_and_the_reason() {
    let text = "goroutine 1 [running]:\nmain.a()\n\t/a.go:1\n\ngoroutine 99999999999999999999 [select]:\nmain.b()\n\t/b.go:1\n";
    let dumps = read(text.as_bytes());
    let unread = &dumps[0].unread[0];
    assert_eq!((dumps[0].tasks.len(), unread.line), (1, 5));
    assert!(unread.text.starts_with("goroutine 9999") && unread.error.contains("number"), "{unread:?}");
    let dumps = read(b"\x1f\x8b\x08 no text at all \xff\xfe");
    assert!(dumps[0].tasks.is_empty() && dumps[0].unread[0].error.contains("no task dump"), "{dumps:?}");
    assert_eq!(read(b" \n"), []);
}

#[test]
fn one_file_may_hold_many_dumps() {
    let one = "goroutine 1 [running]:\nmain.a()\n\t/a.go:1\n\ngoroutine 7 [select]:\nmain.b()\n\t/b.go:1\n\n";
    let parsed = parse(one);
    assert_eq!(parsed.dumps.len(), 1);
    let many = format!("{one}SIGQUIT: quit\n\n{one}{one}");
    assert_eq!(parse(&many).dumps.iter().map(|dump| dump.tasks.len()).collect::<Vec<_>>(), [2, 2, 2]);
}

#[test]
fn text_of_windows_is_decoded() {
    let text = "goroutine 7 [select]:\r\nmain.ü()\r\n\tC:/a.go:1 +0x1\r\n";
    let mut wide = vec![0xff, 0xfe];
    wide.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(decode(&wide), text);
    assert_eq!(read(&wide)[0].tasks[0].frames[0].function, "main.ü");
    assert_eq!(decode(b"\xef\xbb\xbfa\xff"), "a\u{fffd}");
}

#[test]
fn the_age_of_a_wait_dates_it_in_the_run() {
    let dumps = read_at(b"goroutine 7 [select, 3 minutes]:\nmain.a()\n\t/a.go:1\n", 600_000);
    let task = &dumps[0].tasks[0];
    assert_eq!((dumps[0].at_ms, task.polled_ms), (600_000, 420_000));
    let wait = task.wait.as_ref().unwrap();
    assert_eq!((wait.site.as_str(), wait.since_ms, wait.idle), ("select", 420_000, false));
}

/// The verdict follows joins and knows who may idle; a dump of Go tells it both.
#[test]
fn a_goroutine_that_waits_for_others_names_those_that_it_started() {
    let dumps = read(golden("go1.26/waits.minutes.txt").as_bytes());
    let at = |site: &str| {
        dumps[0].tasks.iter().find(|task| task.wait.as_ref().is_some_and(|wait| wait.site == site)).unwrap()
    };
    let group = at("WaitGroup");
    let started: Vec<u64> =
        dumps[0].tasks.iter().filter(|task| task.parent == group.id).map(|task| task.id).collect();
    assert_eq!(started.len(), 2);
    assert_eq!(group.wait.as_ref().unwrap().resource, Resource::Join { tasks: started });
    assert_eq!((group.name.as_str(), at("Mutex").name.as_str()), ("main.main.func4", "main.(*store).lock"));
    assert!(at("IO wait").wait.as_ref().unwrap().idle, "it accepts connections");
    assert_eq!(dumps[0].tasks[0].wait, None, "it runs");
}

#[test]
fn pythons_threads_are_read_as_faulthandler_writes_them() {
    let text = golden("python/threads.txt");
    let parsed = parse(&text);
    let dump = only(&parsed.dumps);
    assert_eq!((dump.form, dump.tasks.len(), parsed.unread.len()), (Form::Faulthandler, 7, 0));
    assert_eq!(functions(dump)[5][..3], ["wait", "get", "take"]);
    assert_eq!(dump.tasks[6].state, "current");
}

/// The forms of py-spy's documentation and of Python 3.14, made by hand.
#[test]
fn py_spy_and_names_of_threads_are_read() {
    let text = "Process 42: python3 x.py\nPython v3.11.2 (/usr/bin/python3.11)\n\n\
        Thread 42 (idle): \"MainThread\"\n    wait (threading.py:327)\n        Arguments:\n            self: <Event>\n    main (x.py:12)\n\
        Thread 43 (active): \"w (1)\"\n    run (x.py:7)\n";
    let parsed = parse(text);
    let dump = only(&parsed.dumps);
    let told: Vec<_> = dump.tasks.iter().map(|task| (task.id, task.name, task.state)).collect();
    assert_eq!(told, [(42, "MainThread", "idle"), (43, "w (1)", "active")]);
    assert_eq!(functions(dump), [vec!["wait", "main"], vec!["run"]]);
    let text = "Thread 0x00007f1c [worker 1] (most recent call first):\n  File \"/a b.py\", line 3 in f\n  ...\n\n\
        Current thread 0x00007f1d (most recent call first):\n  <no Python frame>\n";
    let parsed = parse(text);
    let dump = only(&parsed.dumps);
    assert_eq!(dump.tasks[0].name, "worker 1");
    assert_eq!(functions(dump), [vec!["f", "..."], vec!["<no Python frame>"]]);
}

#[test]
fn branches_of_a_task_of_tokio_are_told_in_one_order_innermost_first() {
    let one = "task 1 a:\n╼ root at a.rs:1:1\n  ├╼ left at b.rs:2:2\n  └╼ right at c.rs:3:3\n\n";
    let other = "task 2 b:\n╼ root at a.rs:1:1\n  ├╼ right at c.rs:3:3\n  └╼ left at b.rs:2:2\n";
    let text = format!("{one}{other}");
    let parsed = parse(&text);
    let dump = only(&parsed.dumps);
    assert_eq!((dump.tasks.len(), dump.distinct()), (2, 1));
    assert_eq!(functions(dump)[0], ["left", "(and, in the same task)", "right", "root"]);
    assert_eq!(dump.frames(dump.tasks[0].stack).map(|frame| frame.line).collect::<Vec<_>>(), [2, 0, 3, 1]);
}

#[test]
fn a_second_root_of_tokios_is_a_branch_though_no_line_ends_before_it() {
    let parsed = parse("╼ a at a.rs:1:1\n  └╼ b at b.rs:2:2╼ c at c.rs:3:3\n  └╼ d at d.rs:4:4\n");
    assert_eq!(functions(only(&parsed.dumps))[0], ["b", "a", "(and, in the same task)", "d", "c"]);
    assert!(parse("task 12 comes next:\nnothing\n").dumps.is_empty(), "a title without a trace is prose");
}
