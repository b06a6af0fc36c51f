//! Whatever a file holds, reading and folding it ends, without a panic, and keeps no more than it was given.
//! `UNSTUCK_CASES` is how many texts are tried a test.

#![allow(
    clippy::unwrap_used,
    clippy::format_collect,
    reason = "a failed step is a failed test, and texts are short"
)]

use std::sync::LazyLock;

use proptest::prelude::*;
use unstuck_dump::{Allow, Dump, Parsed, Series, fold, parse, read};

/// Enough to meet every branch and short enough for every push: some seconds.
const CASES: u32 = 3_000;

fn config() -> ProptestConfig {
    let cases = std::env::var("UNSTUCK_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases.unwrap_or(CASES)) }
}

/// Pieces of every form, whole and broken.
fn piece() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "goroutine 7 [select, 3 minutes]:\n",
        "goroutine 8 gp=0xc0 m=nil [sync.Mutex.Lock]:\n",
        "goroutine 7 [",
        "goroutine ",
        "goroutine 7 gp=:\n",
        "goroutine 9 [select labels:{\"a\": \"}\"}]:\n",
        "goroutine 9 [select labels:{\"a\":]:\n",
        "created by main.main in goroutine 7\n",
        "created by \n",
        "[originating from goroutine 7]:\n",
        "[originating from goroutine ",
        "sync.(*Mutex).lockSlow(0xc000123450)\n",
        "main.(*T).f(0xc000123440, {0x1, ...})\n",
        "main.f(...)\n",
        "()\n",
        "(\n",
        ")\n",
        "\t/src/a.go:12 +0x1d\n",
        "\tC:/a b.go:1\n",
        "\t:1\n",
        "\t/a.go:\n",
        "    /a.go:99999999999\n",
        "\n",
        "\r\n",
        "\n\n",
        " ",
        "\t",
        "...additional frames elided...\n",
        "...3 frames elided...\n",
        "\tgoroutine running on other thread; stack unavailable\n",
        "goroutine profile: total 3\n",
        "11 @ 0x1 0x2\n",
        "18446744073709551615 @\n",
        "99999999999999999999 @ 0x1\n",
        "1 @ x\n",
        "# labels: {\"k\":\"v\"}\n",
        "#\t0x1\tmain.f+0x1\t/a.go:1\n",
        "#\t0x1\n",
        "#\n",
        "# labels: {\"\\u12",
        "SIGQUIT: quit\n",
        "Thread 0x00007f (most recent call first):\n",
        "Current thread 0xzz (most recent call first):\n",
        "  File \"a.py\", line 3 in f\n",
        "  File \"\n",
        "Process 1: python\n",
        "Thread 7 (idle): \"x\"\n",
        "    f (a.py:3)\n",
        "        x: 1\n",
        "task 3 worker:\n",
        "task 3:\n",
        "task 99999999999999999999 a:\n",
        "╼ a at b.rs:1:2\n",
        "  └╼ c at d.rs:3:4\n",
        "     ├╼\u{a0}e\n",
        "╼",
        "└╼ x at :\n",
        "  └╼ a at b.rs:1:1╼ c at d.rs:2:2\n",
        "│",
        "\u{feff}",
        "> ",
        "x | ",
    ]);
    prop_oneof![8 => fixed.prop_map(str::to_owned), 1 => "\\PC{0,8}", 1 => "[0-9a-fx@:#(){}\\[\\] \t\n]{0,12}"]
}

/// Everything that is made of a text.
fn all(text: &str) -> Parsed<'_> {
    static KNOWN: LazyLock<Allow> = LazyLock::new(Allow::known);
    let parsed = parse(text);
    let mut series = Series::default();
    for dump in &parsed.dumps {
        let digest = fold(dump, "", &KNOWN);
        assert_eq!(
            digest.groups.iter().fold(0, |sum: u64, group| sum.saturating_add(group.tasks)),
            dump.total()
        );
        series.add(dump, "", None, &KNOWN);
        assert_eq!(Dump::of_record(&dump.to_record(0)).total(), dump.total());
    }
    series.movement();
    parsed
}

/// Every task and every remark takes a line of the text at least, every frame half a line.
fn is_bounded(text: &str, parsed: &Parsed<'_>) {
    let lines = text.lines().count();
    let tasks: usize = parsed.dumps.iter().map(|dump| dump.tasks.len()).sum();
    let frames: usize = parsed
        .dumps
        .iter()
        .flat_map(|dump| dump.tasks.iter().map(|task| dump.frames(task.stack).len()))
        .sum();
    assert!(tasks + parsed.unread.len() <= lines + 1, "{tasks} tasks of {lines} lines");
    // a line of tokio's tree may hold two frames, and end a branch
    assert!(frames <= 3 * lines * lines.max(1), "{frames} frames of {lines} lines");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn pieces_of_dumps_in_any_order(pieces in prop::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        is_bounded(&text, &all(&text));
    }

    #[test]
    fn a_golden_dump_with_bytes_changed(which in 0..4_usize, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let name = ["go1.26/waits.labels.txt", "go1.26/waits.debug1.txt", "go1.26/waits.ancestors.txt", "python/threads.txt"][which];
        let mut bytes = std::fs::read(format!("{}/testdata/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let text = unstuck_dump::decode(&bytes);
        is_bounded(&text, &all(&text));
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }
}

/// Each of these would take hours, or all memory, if anything were quadratic in it.
#[test]
fn long_texts_of_one_kind_are_read_as_fast_as_others() {
    let many = |piece: &str| piece.repeat(50_000);
    let numbered = |make: fn(usize) -> String| (0..20_000).map(make).collect::<String>();
    let header = "goroutine 7 [select]:\n";
    for text in [
        many(header),
        many("goroutine 99999999999999999999 [select]:\n"),
        header.to_owned() + &many("main.f(0xc000123450)\n\t/a.go:1\n"),
        header.to_owned() + &many("("),
        many("1 @ 0x1\n"),
        "1 @".to_owned() + &many(" 0x1"),
        many("╼ a at b.rs:1:1\n"),
        many("Thread 0x1 (most recent call first):\n"),
        many("goroutine "),
        numbered(|id| {
            format!("goroutine {id} [sync.Mutex.Lock]:\nsync.(*Mutex).lockSlow(0xc0{id:08x})\n\t/a.go:1\n\n")
        }),
        numbered(|id| {
            format!(
                "goroutine {id} [sync.WaitGroup.Wait]:\nmain.f{id}()\n\t/a.go:1\ncreated by a in goroutine 7\n\t/a.go:1\n\n"
            )
        }),
        numbered(|id| {
            format!(
                "goroutine {id} [select{id}]:\nmain.f()\n\t/a.go:{id}\ncreated by a in goroutine {}\n\t/a.go:1\n\n",
                id + 1
            )
        }),
    ] {
        all(&text);
    }
}
