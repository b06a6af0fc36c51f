//! The report in words: sections in the order in which a reader needs them, what is new and bad first. The page, the
//! Markdown and the plain text say the same, because they all say this.

use std::fmt::Write as _;

use unstuck_record::Span;

use super::exact::Change;
use super::measured::Shifted;
use super::standing::{Failure, Standing};
use super::{Report, When};
use crate::history::Cell;
use crate::text::{clean, shell};

/// So many seeds are named.
const SEEDS: usize = 8;

/// What a section means to its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Somebody must act.
    Bad,
    /// Somebody must look.
    Warn,
    /// As well to know.
    Plain,
    /// Good news.
    Good,
}

/// One kind of news.
#[derive(Clone, Debug)]
pub(super) struct Section<'a> {
    pub(super) title: &'static str,
    /// An anchor.
    pub(super) id: &'static str,
    pub(super) tone: Tone,
    /// What the section holds, in a sentence.
    pub(super) about: &'static str,
    pub(super) items: Vec<Item<'a>>,
}

/// One piece of news, of a cell where there is one. All text is harmless, but is not escaped for any format.
#[derive(Clone, Debug, Default)]
pub(super) struct Item<'a> {
    pub(super) cell: Option<&'a Cell>,
    pub(super) said: String,
    pub(super) more: Vec<String>,
    /// The page or record of the run that shows it.
    pub(super) page: Option<&'a str>,
    /// The command that shows it again.
    pub(super) again: Option<String>,
}

/// All sections that have something to tell.
pub(super) fn sections(report: &Report) -> Vec<Section<'_>> {
    let standing = |standing| report.standing(standing).map(failure).collect::<Vec<_>>();
    let changes = |wanted: fn(&Change) -> bool| {
        report
            .changes
            .iter()
            .filter(|change| !change.same_commit && wanted(change))
            .map(change)
            .collect::<Vec<_>>()
    };
    let shifts = |wanted: fn(&Shifted) -> bool| {
        report.measured.shifted.iter().filter(move |shift| wanted(shift)).map(shifted)
    };
    let mut slower = changes(|change| change.ratio > 1.0);
    slower.extend(shifts(|shift| shift.ratio > 1.0));
    let mut faster = changes(|change| change.ratio < 1.0);
    faster.reverse();
    faster.extend(shifts(|shift| shift.ratio < 1.0));
    let section = |title, id, tone, about, items| Section { title, id, tone, about, items };
    let mut all = vec![
        section(
            "New failures",
            "new",
            Tone::Bad,
            "They passed before, or were never seen. What changed since the last good night is where to look.",
            standing(Standing::New),
        ),
        section(
            "Not exact",
            "not-exact",
            Tone::Bad,
            "The same commit and the same seed, in virtual time, and yet another run: something reaches it that no seed fixes.",
            report.not_exact().map(change).collect(),
        ),
        section(
            "Still failing",
            "still",
            Tone::Bad,
            "In a row since the night named.",
            standing(Standing::Still),
        ),
        section(
            "Missing",
            "missing",
            Tone::Warn,
            "They ran in the last week and not tonight, though it was their turn.",
            report.missing.iter().map(missing).collect(),
        ),
        section(
            "Flaky",
            "flaky",
            Tone::Warn,
            "They fail now and then. The rate is that of seeds nobody chose, with 95 % confidence.",
            standing(Standing::Flaky),
        ),
        section(
            "Slower",
            "slower",
            Tone::Warn,
            "Virtual time compares exactly, seed by seed. Real time is told if three nights in a row lie beyond an effect and beyond chance.",
            slower,
        ),
        section(
            "Budget shrinks",
            "budget",
            Tone::Warn,
            "They pass, with less time to spare than at the beginning of the window.",
            report.shrinking.iter().map(shrinking).collect(),
        ),
        section(
            "Faults that touched nothing",
            "untouched",
            Tone::Warn,
            "No byte, no connection, no answer: what these cases are for was not tested.",
            report.untouched.iter().map(untouched).collect(),
        ),
        section(
            "Fixed",
            "fixed",
            Tone::Good,
            "They failed before, and luck is not why they pass.",
            standing(Standing::Fixed),
        ),
        section("Faster", "faster", Tone::Good, "As for slower.", faster),
        section(
            "Otherwise",
            "otherwise",
            Tone::Plain,
            "The same time, but something else was found.",
            changes(|change| (change.ratio - 1.0).abs() < f64::EPSILON),
        ),
        section(
            "Unstable",
            "unstable",
            Tone::Plain,
            "Their real time varies so much that only a great slow-down would be seen.",
            report.measured.unstable.iter().map(unstable).collect(),
        ),
    ];
    all.retain(|section| !section.items.is_empty());
    all
}

/// What is worth a line above all sections.
pub(super) fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let night = &report.night;
    let counts = report.counts;
    let mut ran = format!(
        "{} runs of {} cases: {} passed, {} failed, {} unknown",
        counts.runs, counts.cells, counts.passed, counts.failed, counts.unknown
    );
    if counts.broken > 0 {
        let _infallible = write!(ran, ", {} could not be run", counts.broken);
    }
    let mut machines: Vec<String> = report.parts.iter().map(|part| clean(&part.machine)).collect();
    machines.dedup();
    let mut facts = vec![
        ("ran", ran),
        ("commit", clean(night.short_commit())),
        ("began", format!("{} UTC", night.date())),
        ("seed", format!("{} (unstuck {})", night.seed, clean(&night.version))),
    ];
    if !machines.is_empty() {
        facts.push(("machine", machines.join("; ")));
    }
    if let [.., before, _] = &report.nights[..] {
        facts.push(("night before", when(before)));
    }
    if let Some(common) = report.measured.common.filter(|common| common.abs() >= 0.05) {
        let than = if common > 0.0 { "longer" } else { "shorter" };
        let all = format!(
            "tonight all of it took {:.0} % {than} by the median; taken out of each",
            common.abs() * 100.0
        );
        facts.push(("real time", all));
    }
    if report.measured.unripe > 0 {
        let few = format!(
            "{} cases have too few nights on this machine to judge their real time",
            report.measured.unripe
        );
        facts.push(("not judged", few));
    }
    facts
}

fn failure(failure: &Failure) -> Item<'_> {
    let what = clean(&failure.what);
    let said = match (failure.bad, failure.standing) {
        (0, Standing::Fixed) => format!("{0} of {0} runs passed; it was: {what}", failure.runs),
        (0, _) => format!("none of {} runs failed tonight; when it fails: {what}", failure.runs),
        (bad, _) => format!("{bad} of {} runs failed; {what}", failure.runs),
    };
    let mut more = vec![];
    more.extend(seeds(if failure.seeds.len() == 1 { "seed" } else { "seeds" }, &failure.seeds));
    more.extend(seeds("drawn for this night:", &failure.fresh));
    let good = failure
        .last_good
        .as_ref()
        .map_or("nobody saw it pass".to_owned(), |good| format!("last good {}", when(good)));
    more.push(match failure.standing {
        Standing::New => good,
        Standing::Still => format!("since {}; {good}", when(&failure.since)),
        Standing::Flaky => format!("{} since {}", failure.rate, when(&failure.since)),
        Standing::Fixed => format!("it failed since {}", when(&failure.since)),
    });
    Item {
        cell: Some(&failure.cell),
        said,
        more,
        page: failure.page.as_deref(),
        again: failure.seeds.first().or(failure.fresh.first()).map(|seed| again(&failure.cell, *seed)),
    }
}

/// `seeds 3, 17 and more`
fn seeds(what: &str, seeds: &[u64]) -> Option<String> {
    let shown: Vec<String> = seeds.iter().take(SEEDS).map(u64::to_string).collect();
    let more = if seeds.len() > SEEDS { " and more" } else { "" };
    (!shown.is_empty()).then(|| format!("{what} {}{more}", shown.join(", ")))
}

fn change(change: &Change) -> Item<'_> {
    let said = if change.old_ms == change.new_ms {
        format!("{} at seed {}", Span(change.new_ms), change.seed)
    } else {
        let by = percent(change.new_ms.max(1) as f64 / change.old_ms.max(1) as f64);
        format!("{} → {} ({by}) at seed {}", exactly(change.old_ms), exactly(change.new_ms), change.seed)
    };
    let mut more = vec![format!(
        "{} of {} seeds changed, by {} at the median; compared with {}",
        change.changed,
        change.seeds,
        percent(change.ratio),
        when(&change.before)
    )];
    if let Some((old, new)) = &change.said {
        more.push(format!("{} → {}", clean(old), clean(new)));
    }
    Item {
        cell: Some(&change.cell),
        said,
        more,
        again: Some(again(&change.cell, change.seed)),
        ..Item::default()
    }
}

fn shifted(shift: &Shifted) -> Item<'_> {
    let (noise, since) = (shift.noise * 100.0, when(&shift.since));
    let said = match &shift.cell {
        Some(_) => format!("{} → {} ({})", Span(shift.old_ms), Span(shift.new_ms), percent(shift.ratio)),
        None => format!("all cases on real sockets together: {}", percent(shift.ratio)),
    };
    Item {
        cell: shift.cell.as_ref(),
        said,
        more: vec![format!("real time, medians of nights; noise {noise:.1} %; since {since}")],
        ..Item::default()
    }
}

fn shrinking(shrinking: &super::headroom::Shrinking) -> Item<'_> {
    Item {
        cell: Some(&shrinking.cell),
        said: format!("{:.0} % of the budget is left", shrinking.new * 100.0),
        more: vec![format!("{:.0} % were left about {}", shrinking.old * 100.0, when(&shrinking.since))],
        ..Item::default()
    }
}

fn untouched(untouched: &super::Untouched) -> Item<'_> {
    let nights = untouched.nights;
    let said = if nights == 1 { "tonight".to_owned() } else { format!("in {nights} nights in a row") };
    Item { cell: Some(&untouched.cell), said, ..Item::default() }
}

fn missing(missing: &super::Missing) -> Item<'_> {
    Item { cell: Some(&missing.cell), said: format!("last seen {}", when(&missing.last)), ..Item::default() }
}

fn unstable(unstable: &super::measured::Unstable) -> Item<'_> {
    let said = format!("less than {:.0} % slower would not be seen", unstable.least * 100.0);
    Item { cell: Some(&unstable.cell), said, ..Item::default() }
}

/// `2026-11-21 02:00 at 0c385e0`
pub(super) fn when(when: &When) -> String {
    format!("{} at {}", when.date, clean(&when.commit))
}

/// `+12 %`; small ones to the tenth, and no smaller.
pub(super) fn percent(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    let sign = if percent < 0.0 { "−" } else { "+" };
    match percent.abs() {
        tiny if tiny < 0.05 => format!("{sign}<0.1 %"),
        small if small < 9.95 => format!("{sign}{small:.1} %"),
        great if great < 1000.0 => format!("{sign}{great:.0} %"),
        _ => format!("×{ratio:.0}"),
    }
}

/// A time with all its milliseconds: a change of one is one.
fn exactly(ms: u64) -> String {
    if ms < 1000 || ms.is_multiple_of(1000) {
        return Span(ms).to_string();
    }
    let (whole, rest) = (ms / 1000, ms % 1000);
    let short = Span(whole * 1000).to_string();
    match short.strip_suffix('s').filter(|_| !short.ends_with("ms")) {
        Some(seconds) => format!("{seconds}.{rest:03}s"),
        None => format!("{short}0.{rest:03}s"),
    }
}

/// The command that runs a seed of a cell again.
fn again(cell: &Cell, seed: u64) -> String {
    let mut command = format!("unstuck run {} --case {}", shell(&cell.file), shell(&cell.name));
    // a program is named by its file, and by nothing else
    if cell.client.contains('@') {
        let _infallible = write!(command, " --client {}", shell(&cell.client));
    }
    let _infallible = write!(command, " --seed {seed} --world {}", shell(&cell.world));
    if !cell.variant.is_empty() {
        let _infallible = write!(command, " --variant {}", shell(&cell.variant));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_a_millisecond_is_seen() {
        assert_eq!(exactly(60_001), "1m0.001s");
        assert_eq!(exactly(61_500), "1m1.500s");
        assert_eq!(exactly(12_540), "12.540s");
        assert_eq!((exactly(999), exactly(3_600_000)), ("999ms".into(), "1h".into()));
    }

    #[test]
    fn percents_have_a_sign_and_two_digits() {
        let all = [1.0001, 1.034, 0.8, 12.0, 3.5].map(percent);
        assert_eq!(all, ["+<0.1 %", "+3.4 %", "−20 %", "×12", "+250 %"].map(str::to_owned));
    }
}
