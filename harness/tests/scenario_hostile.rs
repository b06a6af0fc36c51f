//! Hostile files are refused with one error, before they cost anything; nothing that is read makes the loader panic.

use proptest::prelude::*;
use unstuck::scenario::{Diagnostics, load_bytes, matrix, source};

fn refuse(bytes: impl Into<Vec<u8>>) -> Diagnostics {
    let said = load_bytes("hostile.yaml", bytes.into()).expect_err("a hostile file was loaded");
    assert_eq!(said.problems.len(), 1, "one clear error: {said}");
    said
}

fn says(bytes: impl Into<Vec<u8>>, what: &str) {
    let said = refuse(bytes).to_string();
    assert!(said.contains(what), "{what}: {said}");
    assert!(said.len() < 4096, "an error is short, not {} bytes", said.len());
}

#[test]
fn deep_nesting_is_refused() {
    for depth in [30, 1000, 100_000] {
        says("[".repeat(depth), "");
        says(format!("{}1{}", "[".repeat(depth), "]".repeat(depth)), "");
        says("{a: ".repeat(depth), "");
        says("- ".repeat(depth) + "a", "");
    }
    let stairs: Vec<String> = (0..500).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    says(stairs.concat(), "");
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut laughs = vec!["a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned()];
    for i in 1..12 {
        let line = vec![format!("*a{}", i - 1); 9].join(", ");
        laughs.push(format!("a{i}: &a{i} [{line}]\n"));
    }
    says(laughs.concat(), "no scenario is that large");
    let wide = format!("a: &a [{}]\nb: [{}]\n", vec!["x"; 300].join(","), vec!["*a"; 190].join(","));
    says(wide, "no scenario is that large");
    says("a: *nobody\n", "not valid YAML");
}

#[test]
fn what_is_not_text_is_refused() {
    says([0xff, 0xfe, 0x63, 0x00], "UTF-16");
    says([0xfe, 0xff, 0x00, 0x63], "UTF-16");
    says(*b"\x7fELF\x02\x01\x01\0\0\0\xff\xff", "binary");
    says(*b"cases:\n  - name: \xc3\x28\n", "not UTF-8");
    says("cases:\n  - name: a\0b\n", "control character U+0000");
    says("cases: \u{1b}[31m[]\n", "control character U+001B");
    says("cases: [] # \u{9b}31m ü\n", "control character U+009B");
    says("\u{feff}cases: []\n", "byte order mark");
    says("cases:\n\t- name: a\n", "indent with spaces");
}

#[test]
fn a_key_given_twice_is_refused() {
    says("cases: []\ncases: []\n", "`cases` is given twice");
}

#[test]
fn a_file_that_is_too_large_is_refused_unread() {
    says(vec![b' '; source::MAX_BYTES + 1], "larger than 1 MiB");
    says(vec![b'#'; 100 << 20], "larger than 1 MiB");
    let path = std::env::temp_dir().join(format!("unstuck-large-{}.yaml", std::process::id()));
    std::fs::File::create(&path).unwrap().set_len(100 << 20).unwrap();
    let said = unstuck::scenario::load(&path).unwrap_err().to_string();
    std::fs::remove_file(&path).unwrap();
    assert!(said.contains("larger than 1 MiB"), "{said}");
}

#[test]
fn a_large_file_within_the_limit_is_refused_in_few_words() {
    says(format!("cases: [{}]", "a,".repeat(500_000)), "no scenario is that large");
    let junk: Vec<String> = (0..20_000).map(|i| format!("key{i}: {i}\n")).collect();
    let said = load_bytes("junk.yaml", junk.concat().into_bytes()).unwrap_err();
    assert!(said.to_string().len() < 100_000, "{} bytes", said.to_string().len());
    let long = format!("cases: [{{name: {0}, faultType: {0}, selector: {0}, {0}: 1m}}]", "x".repeat(150_000));
    assert!(load_bytes("long.yaml", long.into_bytes()).unwrap_err().to_string().len() < 20_000);
}

#[test]
fn a_folder_or_a_missing_file_is_an_error() {
    for path in ["/", "/nonexistent/a.yaml"] {
        let said = unstuck::scenario::load(path.as_ref()).unwrap_err().to_string();
        assert!(said.contains("cannot be read"), "{said}");
    }
}

const GOOD: &str = "client: br@fixed\ncluster: {pd: 3, tikv: 3, maxConcurrentStreams: unlimited}\nworkload:\n  batch: \
                    16KiB\ncases:\n  - name: ha_br_to_all_network_partition\n    faultType: \
                    network_partition(direction:to)\n    selector: br_to_all\n    warmUpTime: 1m\n    period: \"@every \
                    3m\"\n    faultDuration: 1m\n    faultRunTimes: 5\n    expect: {outcome: stuck, stuckAt: \
                    livelock}\n  - {name: \"b\", faultType: {reset: ~}, selector: 'br_to_tikv(1)'}\n";

/// The same under QA's wrapper.
fn wrapped() -> String {
    let lines: Vec<String> = GOOD.lines().map(|line| format!("    {line}\n")).collect();
    format!("- name: config_ü\n  default: |\n{}", lines.concat())
}

/// Pieces that mean something to YAML or to a scenario.
const PIECES: [&str; 24] = [
    ":", "- ", "[", "]", "{", "}", "&a ", "*a", "!!str ", "|\n", "\"", "'", "#", "\t", "\n", "  ", "~",
    "<<: ", "---\n", "_to_", "(", ")", "ü", "\\",
];

#[test]
fn the_good_file_is_good() {
    for text in [GOOD.to_owned(), wrapped()] {
        let file = load_bytes("good.yaml", text.into()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(file.cases.len(), 2);
    }
}

/// `faultRunTimes:` with nothing behind it was once neither a value nor an error.
#[test]
fn a_key_without_a_value_is_absent_whichever_it_is() {
    for (number, line) in GOOD.lines().enumerate() {
        let Some((key, _)) = line.split_once(": ") else { continue };
        let emptied = GOOD
            .lines()
            .enumerate()
            .map(|(at, line)| if at == number { format!("{key}:\n") } else { format!("{line}\n") });
        match load_bytes("f", emptied.collect::<String>().into_bytes()) {
            Ok(file) => assert_eq!(file.cases.len(), 2, "without {key}"),
            Err(said) => assert!(said.errors() > 0, "without {key}"),
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Err(said) = load_bytes("f", bytes) {
            prop_assert!(said.errors() > 0);
            let _ = said.render(true);
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in "[ -~\\n\u{e4}\u{5206}]{0,200}") {
        if let Err(said) = load_bytes("f", text.into_bytes()) {
            let _ = said.to_string();
        }
    }

    #[test]
    fn a_mutated_file_never_panics_and_every_error_has_a_place(
        in_a_config: bool,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..12_usize, 0..PIECES.len()), 1..6)
    ) {
        let mut text: Vec<char> = if in_a_config { wrapped() } else { GOOD.to_owned() }.chars().collect();
        for (at, cut, piece) in edits {
            let at = at.index(text.len());
            let end = (at + cut).min(text.len() - 1);
            text.splice(at..end.max(at), PIECES[piece].chars());
        }
        let text: String = text.into_iter().collect();
        match load_bytes("f", text.clone().into_bytes()) {
            Ok(file) => prop_assert!(!file.cases.is_empty()),
            Err(said) => {
                prop_assert!(said.errors() > 0);
                for problem in &said.problems {
                    prop_assert!(problem.span.start <= text.len(), "{problem:?}");
                    prop_assert!(problem.hint.is_some(), "no fix: {problem:?}");
                }
                let _ = said.to_string();
            }
        }
        let _ = matrix::load_bytes("m", text.into_bytes());
    }
}
