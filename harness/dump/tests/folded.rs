//! Dumps folded, their waits named, and series of them.

#![allow(
    clippy::unwrap_used,
    clippy::format_collect,
    reason = "a failed step is a failed test, and texts are short"
)]

use unstuck_dump::{Allow, Series, fold, idle, parse, read_at, unmoved};
use unstuck_record::digest::{Digest, Group, Movement, WaitKind};
use unstuck_record::{Runtime, TaskDump};

fn golden(name: &str) -> String {
    std::fs::read_to_string(format!("{}/testdata/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn folded(text: &str) -> Digest {
    fold(&parse(text).dumps[0], "dump", &Allow::known())
}

fn at<'d>(digest: &'d Digest, site: &str) -> &'d Group {
    digest.groups.iter().find(|group| group.wait.site == site).unwrap()
}

/// A goroutine that waits, with the frames given as functions, innermost first.
fn goroutine(id: u64, status: &str, frames: &[&str]) -> String {
    let frames: String = frames.iter().map(|frame| format!("{frame}\n\t/src/{id}.go:1 +0x1\n")).collect();
    format!(
        "goroutine {id} [{status}]:\n{frames}created by main.main in goroutine 1\n\t/src/main.go:9 +0x1\n\n"
    )
}

#[test]
fn waiters_of_a_lock_are_one_group_that_names_who_may_hold_it() {
    let digest = folded(&golden("go1.26/waits.minutes.txt"));
    let group = &digest.groups[0];
    assert_eq!((group.tasks, group.wait.site.as_str(), group.wait.kind), (3, "Mutex", WaitKind::Lock));
    let lock = &group.wait.on[0];
    assert_eq!((lock.waiting, lock.holders.len()), (3, 1));
    assert_eq!(lock.holders[0].function, "main.(*store).holder");
    assert_eq!((digest.tasks, digest.stacks, digest.idle), (20, 17, 2));
}

#[test]
fn a_group_waits_for_the_goroutines_that_it_started() {
    let digest = folded(&golden("go1.26/waits.minutes.txt"));
    let group = at(&digest, "WaitGroup");
    assert_eq!(
        (group.wait.kind, &group.wait.started),
        (WaitKind::Join, &vec![("chan receive".to_owned(), 2)])
    );
    let children = digest.groups.iter().find(|group| group.tasks == 2).unwrap();
    assert_eq!(
        children.started_by.map(|starter| digest.groups[starter].wait.site.as_str()),
        Some("WaitGroup")
    );
}

/// The two reported waits, by functions of grpc-go; the connection is the receiver of `NewStream`.
#[test]
fn grpc_waits_have_the_names_that_our_clients_use() {
    let stream =
        "google.golang.org/grpc/internal/transport.(*http2Client).NewStream(0xc004e638c0, {0x1, 0x2})";
    let header = "google.golang.org/grpc/internal/transport.(*Stream).waitOnHeader(0xc000777770)";
    let text = goroutine(7, "select, 421 minutes", &[stream, "main.write(0x1)"])
        + &goroutine(8, "select, 420 minutes", &[stream, "main.scan(0x1)"])
        + &goroutine(9, "select, 2 minutes", &[header, "main.write(0x1)"]);
    let digest = folded(&text);
    let quota = at(&digest, "NewStream/quota");
    let on = &quota.wait.on[0];
    assert_eq!((on.address.as_str(), on.waiting, quota.oldest_minutes), ("0xc004e638c0", 2, Some(421)));
    assert_eq!(at(&digest, "RecvMsg/waitOnHeader").wait.kind, WaitKind::Link);
}

#[test]
fn alike_are_stacks_through_the_same_functions_whatever_lines_and_depth() {
    let text = goroutine(7, "select", &["main.walk(0x1)", "main.run()"])
        + &goroutine(8, "select", &["main.walk(0x2)", "main.walk(0x1)", "main.run()"])
        + &goroutine(9, "chan send", &["main.walk(0x1)", "main.run()"])
        + &goroutine(10, "select", &["main.other(0x1)", "main.run()"]);
    let digest = folded(&text);
    let sizes: Vec<_> = digest.groups.iter().map(|group| (group.tasks, group.stacks.len())).collect();
    assert_eq!((digest.stacks, sizes), (4, vec![(2, 2), (1, 1), (1, 1)]));
}

#[test]
fn the_longest_and_largest_comes_first_and_what_idles_last() {
    let text = goroutine(1, "select, 900 minutes", &["main.one()"])
        + &goroutine(2, "select, 100 minutes", &["net/http.(*persistConn).readLoop(0x1)"])
        + &(10..30).map(|id| goroutine(id, "select, 60 minutes", &["main.many()"])).collect::<String>()
        + &(50..99).map(|id| goroutine(id, "select", &["main.fresh()"])).collect::<String>()
        + &(100..199).map(|id| goroutine(id, "running", &["main.busy()"])).collect::<String>();
    let digest = folded(&text);
    let order: Vec<_> =
        digest.groups.iter().map(|group| group.stacks[0].frames[0].function.as_str()).collect();
    assert_eq!(
        order,
        ["main.many", "main.one", "main.fresh", "main.busy", "net/http.(*persistConn).readLoop"]
    );
    assert_eq!(digest.groups[4].idle.as_deref(), Some("an idle HTTP connection"));
}

#[test]
fn users_add_rules_or_a_good_dump_to_what_may_wait() {
    let text = goroutine(7, "select, 99 minutes", &["main.watch()", "main.run()"]);
    let parsed = parse(&text);
    let idle = |allow: &Allow| fold(&parsed.dumps[0], "", allow).idle;
    assert_eq!(idle(&Allow::known()), 0);
    let rule = |stack: &[&str], state: &str| {
        let stack = stack.iter().map(|&part| part.to_owned()).collect();
        let mut allow = Allow::known();
        let rule = idle::Rule { stack, state: state.to_owned(), why: "ours".to_owned() };
        allow.add([(Runtime::Go, vec![rule])].into());
        allow
    };
    assert_eq!(idle(&rule(&["watch", "run"], "")), 1);
    assert_eq!(idle(&rule(&["run", "watch"], "")), 0, "innermost first");
    assert_eq!(idle(&rule(&["^main.watch"], "select")), 1);
    assert_eq!(idle(&rule(&["^main.run"], "")), 0, "the innermost only");
    assert_eq!(idle(&rule(&["watch"], "chan")), 0);
    assert_eq!(idle(&rule(&[], "")), 0, "a rule that names nothing allows nothing");
    let good = goroutine(70, "select, 1 minutes", &["main.watch()", "main.run()"]);
    let mut allow = Allow::known();
    allow.add_dump(&parse(&good).dumps[0]);
    assert_eq!(idle(&allow), 1);
}

#[test]
fn a_worker_of_python_idles_only_while_it_has_no_job() {
    let digest = folded(&golden("python/threads.txt"));
    assert_eq!(digest.idle, 1);
    assert_eq!(at(&digest, "Queue.get").tasks, 1);
    let busy = "Thread 0x1 (most recent call first):\n  File \"/a.py\", line 3 in work\n  File \"/p/thread.py\", line 81 in _worker\n";
    assert_eq!(folded(busy).idle, 0);
}

fn series(dumps: &[String]) -> Movement {
    let mut series = Series::default();
    for (index, text) in dumps.iter().enumerate() {
        series.add(&parse(text).dumps[0], &format!("{index}.txt"), None, &Allow::known());
    }
    series.movement()
}

/// Ten minutes lie between the dumps, as goroutine 1 tells, which never moves.
#[test]
fn ages_prove_and_disprove_that_a_task_stood_still() {
    let clock = |minutes: u64| goroutine(1, &format!("chan receive, {minutes} minutes"), &["main.clock()"]);
    let table = [
        ("select, 2 minutes", "select, 12 minutes", Some(true)),
        ("select, 2 minutes", "select, 11 minutes", Some(true)),
        ("select", "select, 14 minutes", Some(true)),
        ("select, 9 minutes", "select, 3 minutes", None),
        ("select, 2 minutes", "select, 5 minutes", None),
        ("select, 9 minutes", "select", None),
        ("select", "select, 3 minutes", Some(false)),
        ("select", "select", Some(false)),
        ("select", "chan send", None),
    ];
    for (before, after, told) in table {
        let dump = |minutes, status| clock(minutes) + &goroutine(7, status, &["main.a()"]);
        let movement = series(&[dump(100, before), dump(110, after)]);
        let still = movement.still.iter().find(|still| still.ids == [7]);
        assert_eq!(still.map(|still| still.proved), told, "[{before}] then [{after}]");
        assert_eq!(movement.moved, u64::from(told.is_none()));
    }
}

#[test]
fn what_did_not_move_quotes_the_first_and_the_last_dump_that_show_it() {
    let dump = |age: u64, moving: &str, extra: &str| {
        goroutine(7, &format!("select, {age} minutes"), &["main.stuck()"])
            + &goroutine(8, "select", &[moving])
            + &goroutine(9, "select", &["net/http.(*persistConn).readLoop(0x1)"])
            + extra
    };
    let new = goroutine(10, "select", &["main.b()"]);
    let movement = series(&[dump(5, "main.a()", ""), dump(65, "main.b()", &new), dump(125, "main.c()", "")]);
    assert_eq!((movement.moved, movement.new, movement.gone, movement.idle), (1, 0, 1, 1));
    let [still] = &movement.still[..] else { panic!("{:?}", movement.still) };
    assert_eq!((still.first, still.last, still.proved), (0, 2, true));
    assert_eq!(still.before, "0.txt: task 7 [select, 5 minutes]");
    assert_eq!(still.after, "2.txt: task 7 [select, 125 minutes]");
}

#[test]
fn a_stack_that_more_and_more_goroutines_have_is_told() {
    let profile = |count: u64| {
        format!("goroutine profile: total {count}\n{count} @ 0x1\n#\t0x1\tmain.leak+0x1\t/a.go:1\n\n")
    };
    let grown =
        |counts: &[u64]| series(&counts.iter().map(|&count| profile(count)).collect::<Vec<_>>()).grown;
    assert_eq!(grown(&[3, 14, 40])[0].counts, [3, 14, 40]);
    assert_eq!(grown(&[3, 14, 14]), [], "it has stopped");
    assert_eq!(grown(&[14, 3, 40]), [], "it goes up and down");
}

/// The clients of ours tell exact times: a wait that began after the first dump is another one.
#[test]
fn tasks_of_a_record_that_have_not_moved_are_told_with_the_dumps_that_show_it() {
    use unstuck_record::builder::{MIN, RunBuilder, task};
    let run = RunBuilder::new("", "")
        .dump(
            10 * MIN,
            [
                task(1, "a").at_link("RecvMsg", "tikv-1", 4 * MIN),
                task(2, "b").at_link("RecvMsg", "tikv-1", 9 * MIN),
            ],
        )
        .dump(
            30 * MIN,
            [
                task(1, "a").at_link("RecvMsg", "tikv-1", 4 * MIN),
                task(2, "b").at_link("RecvMsg", "tikv-1", 25 * MIN),
            ],
        )
        .build();
    let movement = unmoved(&run.dumps, &Allow::known());
    let [still] = &movement.still[..] else { panic!("{:?}", movement.still) };
    assert_eq!((&still.ids[..], still.proved), (&[1][..], true));
    assert_eq!(still.before, "10m: task 1 [RecvMsg, 6 minutes]");
    assert_eq!(still.after, "30m: task 1 [RecvMsg, 26 minutes]");
    assert_eq!(unmoved(&[TaskDump::default()], &Allow::known()).still, []);
}

/// What a run takes of a program under test: dumps with their moments, ages in whole minutes.
#[test]
fn goroutines_of_a_record_that_have_not_moved_are_told_too() {
    let text = |age: &str, moving: &str| {
        goroutine(7, age, &["main.stuck()"])
            + &goroutine(8, "select", &[moving])
            + &goroutine(9, "select", &["net/http.(*persistConn).readLoop(0x1)"])
    };
    let dumps: Vec<TaskDump> = [(0, "select", "main.a()"), (600_000, "select, 11 minutes", "main.b()")]
        .into_iter()
        .flat_map(|(at_ms, age, moving)| read_at(text(age, moving).as_bytes(), at_ms))
        .collect();
    let movement = unmoved(&dumps, &Allow::known());
    let [still] = &movement.still[..] else { panic!("{:?}", movement.still) };
    assert_eq!((&still.ids[..], still.proved, dumps[still.first].at_ms), (&[7][..], true, 0));
    assert_eq!((movement.moved, movement.idle), (1, 1));
}
