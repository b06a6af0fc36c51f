//! The report of a night: printed, and written in its other forms. `unstuck nightly` and `unstuck report` end with it.

use std::path::{Component, Path, PathBuf};

use clap::Args;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use unstuck_record::Verdict;
use unstuck_reports::history::{History, HistoryError};
use unstuck_reports::regression::{self, Counts, Links, Report, Settings};
use unstuck_reports::terminal::Style;

use super::files::put;
use super::{Exit, out};

/// The folder of nights within a history's.
pub(super) const NIGHTS: &str = "nights";
/// A night's page within its folder.
const PAGE: &str = "index.html";

/// The files that are asked for.
#[derive(Debug, Args)]
pub(super) struct Files {
    /// Writes the report as one self-contained page to this file. Each night's own lies in the history's folder in any case.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Writes it to this file in Markdown, for chat and mail.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Writes it to this file as JSON.
    #[arg(long, value_name = "FILE")]
    json_out: Option<PathBuf>,
    /// Writes what failed to this file as PingCAP's CI reads it: flaky, long and crashed cases by file.
    #[arg(long, value_name = "FILE")]
    problem_cases: Option<PathBuf>,
    /// Writes the counts of the last seven nights to this file, in the columns of PingCAP's weekly issues.
    #[arg(long, value_name = "FILE")]
    weekly: Option<PathBuf>,
    /// So many nights are compared.
    #[arg(long, default_value_t = Settings::default().nights, value_name = "N")]
    nights: u32,
}

/// Tells of the newest night, or of the one that is named; pages of nights are looked for in `folders`, and this night's is
/// written to the one that holds the history. The exit code is that of the night's verdicts.
pub(super) fn tell(
    history: &History,
    folders: &[PathBuf],
    night: Option<&str>,
    files: &Files,
    colour: bool,
) -> Result<Exit, HistoryError> {
    let settings = Settings { nights: files.nights.max(1), ..Settings::default() };
    let window = history.window(settings.nights, night)?;
    let Some(report) = Report::of(&window, &settings) else {
        eprintln!("error: `{}` has no night yet: `unstuck nightly` makes one", history.path().display());
        return Ok(Exit::Harness);
    };
    out::say(&regression::plain(&report, Style { colour, ..Style::default() }));
    // a history that is in memory alone has no page of its own
    let own = folders.iter().find(|folder| history.path().starts_with(folder));
    let own = own.filter(|_| is_plain(&report.night.name));
    let own = own.map(|folder| folder.join(NIGHTS).join(&report.night.name).join(PAGE));
    let mut all_written = true;
    let mut write = |path: &Path, text: &str| {
        if let Err(error) = put(path, text, false) {
            eprintln!("error: cannot write `{}`: {error}", path.display());
            all_written = false;
        }
    };
    for path in own.iter().chain(&files.html) {
        write(path, &page(&report, path, folders));
    }
    if let Some(path) = &files.markdown {
        let page = files.html.as_ref().map(|page| page.display().to_string());
        write(path, &regression::markdown(&report, page.as_deref()));
    }
    if let Some(path) = &files.json_out {
        write(path, &regression::json::json(&report));
    }
    if let Some(path) = &files.problem_cases {
        write(path, &regression::problem_cases(&report));
    }
    if let Some(path) = &files.weekly {
        write(path, &regression::weekly(&report));
    }
    Ok(if all_written { exit(report.counts) } else { Exit::Harness })
}

fn exit(counts: Counts) -> Exit {
    let of = |many: u64, verdict: Verdict| (many > 0).then_some(verdict);
    let verdicts = [
        of(counts.passed, Verdict::Pass),
        of(counts.failed, Verdict::Fail),
        of(counts.unknown, Verdict::Unknown),
    ];
    match Exit::of(verdicts.into_iter().flatten()) {
        exit if counts.broken == 0 || exit == Exit::Fail => exit,
        _ => Exit::Harness,
    }
}

/// The page as it lies at `place`, with links to what lies in `folders`.
fn page(report: &Report, place: &Path, folders: &[PathBuf]) -> String {
    let from = place.parent().unwrap_or(Path::new(""));
    let link = |inside: &Path| {
        let there = folders.iter().map(|folder| folder.join(inside));
        there.filter(|path| path.exists()).map(|path| url(from, &path)).next()
    };
    let tonight = report.nights.len().saturating_sub(1);
    let night = |number: usize| {
        let name = &report.nights[number].night;
        // this night's is this very page
        if number == tonight {
            return Some(String::new());
        }
        is_plain(name).then(|| Path::new(NIGHTS).join(name).join(PAGE)).and_then(|inside| link(&inside))
    };
    let below = |path: &str| {
        let inside = Path::new(path);
        // a path that an alien history made up leads nowhere
        let plain = inside.components().all(|part| matches!(part, Component::Normal(_)));
        if plain { link(inside) } else { None }
    };
    let mut page = vec![];
    regression::page(&mut page, report, Links { night: &night, below: &below }).expect("memory takes all");
    String::from_utf8_lossy(&page).into_owned()
}

/// What stays as it is in a URL's path.
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// From a folder to a file, as a relative URL.
fn url(from: &Path, to: &Path) -> String {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (from, to) = (whole(from), whole(to));
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[same..].iter().map(|_| "..".to_owned());
    let down = to[same..]
        .iter()
        .map(|part| utf8_percent_encode(&part.as_os_str().to_string_lossy(), &PLAIN).to_string());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// Whether a night's name can be a folder's and no other. A history that somebody else made may hold anything.
pub(super) fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && name.len() <= 100 && name.chars().all(plain) && !name.starts_with('.')
}

/// Removes what was kept of a night that the history has forgotten.
pub(super) fn forget(history: &Path, night: &str) {
    if !is_plain(night) {
        return;
    }
    let folder = history.join(NIGHTS).join(night);
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            eprintln!("error: cannot remove `{}`: {error}", folder.display());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nights_name_is_a_plain_folder() {
        assert!(["2026-11-21", "n1", "GHA_123.4"].iter().all(|name| is_plain(name)));
        assert!(
            !["", ".", "..", "a/b", "a b", "ä", "../x", &"x".repeat(101)].iter().any(|name| is_plain(name))
        );
    }

    #[test]
    fn links_are_relative_and_survive_odd_names() {
        let table = [
            ("h", "h/nights/1/index.html", "nights/1/index.html"),
            ("h/nights/2", "h/nights/1/index.html", "../1/index.html"),
            ("out", "h/a b/c:d#e?.html", "../h/a%20b/c%3Ad%23e%3F.html"),
        ];
        for (from, to, wanted) in table {
            assert_eq!(url(Path::new(from), Path::new(to)), wanted);
        }
    }
}
