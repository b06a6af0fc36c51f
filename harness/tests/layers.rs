//! The layers that ARCHITECTURE.md draws: a module imports only from those above it in its crate's list, and a
//! crate only from the crates it may know. Both are read from the sources, so that the drawing stays true.

use std::fs;
use std::path::{Path, PathBuf};

/// Each crate's folder with its modules in order: one imports only from itself and from those before it.
const LAYERS: [(&str, &[&str]); 7] = [
    ("harness/net", &["asker", "clock", "sim", "tcp", "conn", "port"]),
    (
        "harness/proxy",
        &[
            "seed", "upstream", "ledger", "toxic", "status", "rule", "gate", "queue", "lane", "pump",
            "meter", "orders", "link", "conn", "acceptor", "registry", "control",
        ],
    ),
    (
        "reports/record",
        &[
            "dump", "digest", "event", "phases", "verdict", "header", "sample", "calls", "end", "run",
            "acted", "span", "builder",
        ],
    ),
    (
        "reports",
        &[
            "text",
            "shell",
            "terminal",
            "batch",
            "json",
            "dump",
            "junit",
            "github",
            "page",
            "history",
            "compare",
            "regression",
        ],
    ),
    (
        "harness/dump",
        &[
            "lines", "dump", "labels", "found", "go", "tokio", "python", "detect", "idle", "wait", "record",
            "fold", "series", "programs",
        ],
    ),
    (
        "fake-tikv",
        &[
            "spec",
            "data",
            "proto",
            "codec",
            "keys",
            "methods",
            "cluster",
            "storage",
            "answer",
            "journal",
            "gate",
            "shared",
            "pd",
            "kv",
            "import",
            "backup",
            "health",
            "freeze",
            "serve",
            "start",
            "builder",
            "moves",
            "admin",
            "container",
            "args",
            "serve_command",
        ],
    ),
    (
        "harness",
        &["scenario", "fault", "probe", "client", "verdict", "run", "suite", "export", "watch", "cli"],
    ),
];

/// Which of our crates each crate may depend on.
const CRATES: [(&str, &[&str]); 9] = [
    ("harness/net", &[]),
    ("harness/proxy", &["unstuck-net", "unstuck-record"]),
    ("reports/record", &[]),
    ("harness/dump", &["unstuck-record"]),
    ("reports", &["unstuck-record"]),
    ("fake-tikv", &["unstuck-net"]),
    ("fake-tikv/tests/rust-client", &["fake-tikv", "unstuck-net"]),
    (
        "harness",
        &["fake-tikv", "unstuck-dump", "unstuck-net", "unstuck-proxy", "unstuck-record", "unstuck-reports"],
    ),
    ("harness/tests/tikv-client", &["fake-tikv", "unstuck"]),
];

const OURS: [&str; 9] = [
    "fake-tikv",
    "rust-client-tests",
    "tikv-client-tests",
    "unstuck",
    "unstuck-dump",
    "unstuck-net",
    "unstuck-proxy",
    "unstuck-record",
    "unstuck-reports",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the harness stands in the workspace").to_owned()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .expect("a folder of sources")
        .map(|entry| entry.expect("readable").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The modules of the crate that a source names: what follows `crate::`, groups opened, comments left out.
fn named_modules(source: &str) -> Vec<String> {
    let uncommented = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = uncommented.collect::<Vec<_>>().join("\n");
    let mut named = vec![];
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        let modules: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => top_level(group),
            None => vec![rest],
        };
        let word = |name: &str| -> String {
            name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
        };
        named.extend(modules.into_iter().map(word).filter(|word| !word.is_empty()));
    }
    named
}

/// The parts of `a::{b, c}, d}…` between top-level commas, up to the closing brace.
fn top_level(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, vec![]);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                parts.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts
}

#[test]
fn a_module_imports_only_from_those_above_it() {
    let mut wrong = vec![];
    for (krate, order) in LAYERS {
        let src = root().join(krate).join("src");
        let mut files = vec![];
        sources(&src, &mut files);
        for file in files {
            let inside = file.strip_prefix(&src).unwrap();
            let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
            let module = first.trim_end_matches(".rs");
            if module == "lib" || module == "main" {
                continue;
            }
            let Some(level) = order.iter().position(|name| *name == module) else {
                wrong.push(format!("{krate}: module `{module}` has no place in the layers"));
                continue;
            };
            for name in named_modules(&fs::read_to_string(&file).unwrap()) {
                if order.iter().position(|known| *known == name).is_some_and(|other| other > level) {
                    let file = inside.display();
                    wrong.push(format!("{krate}/src/{file}: `{module}` imports `{name}`, which is below it"));
                }
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_crate_depends_only_on_those_it_may_know() {
    for (krate, allowed) in CRATES {
        let manifest = fs::read_to_string(root().join(krate).join("Cargo.toml")).unwrap();
        for line in manifest.lines().take_while(|line| !line.starts_with("[dev-dependencies]")) {
            let name = line.split(['.', ' ', '=']).next().unwrap();
            assert!(!OURS.contains(&name) || allowed.contains(&name), "{krate} may not depend on {name}");
        }
    }
}

#[test]
fn every_select_states_its_order() {
    let mut files = vec![];
    for (krate, _) in LAYERS {
        sources(&root().join(krate).join("src"), &mut files);
    }
    assert!(files.len() > 50, "only {} sources were found", files.len());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (at, found) in text.match_indices("select! {") {
            let next = text[at + found.len()..].trim_start();
            assert!(next.starts_with("biased;"), "{}: a `select!` without `biased;`", file.display());
        }
    }
}
