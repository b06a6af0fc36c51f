//! Every fenced block of YAML in README.md and docs/*.md is what it says it is: ```` ```yaml ```` a scenario file, `yaml matrix` a
//! matrix, `yaml part` a part of a file, `yaml wrong` a file that is refused with the text of the block after it.

use std::path::{Path, PathBuf};

use serde_json::Value;
use unstuck::scenario::{load_bytes, matrix};

use crate::examples::{CASE, SIZES};
use crate::keys::placed;

/// A fenced block.
struct Block {
    /// The file and the line of its fence.
    place: String,
    /// What stands behind the fence.
    info: String,
    text: String,
}

/// The README and the pages of `docs`.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages: Vec<_> =
        std::fs::read_dir(root.join("docs")).unwrap().map(|e| e.unwrap().path()).collect();
    pages.retain(|path| path.extension().is_some_and(|e| e == "md"));
    pages.push(root.join("README.md"));
    pages.sort();
    pages
}

fn blocks(page: &Path) -> Vec<Block> {
    let text = std::fs::read_to_string(page).unwrap();
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (line, number) in text.lines().zip(1..) {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                let place = format!("{}:{number}", page.display());
                open = Some(Block { place, info: info.into(), text: String::new() });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => block.text.extend([line, "\n"]),
            (None, None) => {
                // an indented block would not be looked at
                assert!(!line.starts_with("    cases:"), "{}:{number}: fence it", page.display());
            }
        }
    }
    assert!(open.is_none(), "{}: a fence is not closed", page.display());
    found
}

/// Whole files that a part may belong to, and where: at the top, in a case of nodes, in a case of links.
const WHOLE: [(&str, &str); 3] = [
    (SIZES, ""),
    (CASE, "/cases/0"),
    ("cases: [{name: a, faultType: reset, selector: client_to_all, faultDuration: 1m}]", "/cases/0"),
];

/// Why a part belongs to none of them.
fn refused(part: &Value) -> Option<String> {
    if let Value::Array(items) = part {
        return items.iter().find_map(refused);
    }
    let said = WHOLE.map(|(whole, at)| load_bytes("part", placed(whole, at, part)));
    let all = said.iter().filter_map(|said| said.as_ref().err().map(ToString::to_string));
    Some(all.collect::<Vec<_>>()).filter(|all| all.len() == WHOLE.len()).map(|all| all.join("\n"))
}

#[test]
fn every_block_of_yaml_is_what_it_says() {
    let mut seen = 0;
    for block in pages().iter().flat_map(|page| {
        let blocks = blocks(page);
        let next: Vec<_> = blocks.iter().skip(1).map(|b| b.text.clone()).chain([String::new()]).collect();
        blocks.into_iter().zip(next)
    }) {
        let (Block { place, info, text }, next) = block;
        let Some(kind) = info.strip_prefix("yaml") else { continue };
        seen += 1;
        let bytes = text.clone().into_bytes();
        match kind {
            "" => drop(load_bytes("case.yaml", bytes).unwrap_or_else(|e| panic!("{place}\n{e}"))),
            " matrix" => {
                drop(matrix::load_bytes("matrix.yaml", bytes).unwrap_or_else(|e| panic!("{place}\n{e}")));
            }
            " wrong" => {
                let said = load_bytes("case.yaml", bytes).map(drop).expect_err(&place).to_string();
                let told = next.lines().count();
                assert!(told > 0 && said.lines().take(told).eq(next.lines()), "{place} is told as\n{said}");
            }
            " part" => {
                let part: Value = serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{place}: {e}"));
                if let Some(why) = refused(&part) {
                    panic!("{place} is part of no file:\n{why}");
                }
            }
            other => panic!("{place}: `yaml{other}` is not known: write `part`, `matrix` or `wrong`"),
        }
    }
    assert!(seen >= 15, "{seen} blocks");
}
