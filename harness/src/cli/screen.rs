//! What is shown while cases run: progress bars on a terminal, one plain line an event elsewhere. All on stderr.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::IsTerminal;
use std::time::Duration;

use clap::ColorChoice;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use unstuck_record::{Judgement, Verdict};
use unstuck_reports::text::clean;

use crate::run::batch::{Done, Job, Progress};
use crate::run::status::{News, RUNNING, Shown};

/// Whether to colour what goes to `stream`.
pub(super) fn colour(choice: ColorChoice, stream: &impl IsTerminal) -> bool {
    coloured(choice, stream.is_terminal(), std::env::var_os("NO_COLOR").as_deref())
}

/// An empty `NO_COLOR` is none, as its authors have it.
fn coloured(choice: ColorChoice, terminal: bool, no_color: Option<&OsStr>) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => terminal && no_color.is_none_or(OsStr::is_empty),
    }
}

/// The live view of a batch.
pub(super) enum Screen {
    /// `--quiet`
    Dark,
    /// A terminal.
    Bars(Bars),
    /// Anything else.
    Lines(Lines),
}

/// A bar for all cases, and one for each that runs.
pub(super) struct Bars {
    screen: MultiProgress,
    all: ProgressBar,
    rows: BTreeMap<usize, Row>,
    tally: Tally,
}

struct Row {
    title: String,
    /// What has room beside a bar.
    short: String,
    bar: ProgressBar,
    ticks: u32,
    /// The address of the control API that was told last.
    control: Option<String>,
}

/// A line for each event, without control codes.
pub(super) struct Lines {
    total: usize,
    titles: BTreeMap<usize, String>,
}

/// What has ended so far.
#[derive(Default)]
struct Tally {
    failed: u64,
    unknown: u64,
}

// === impl Screen ===

impl Screen {
    pub(super) fn new(total: usize, quiet: bool) -> Self {
        if quiet {
            Self::Dark
        } else if std::io::stderr().is_terminal() {
            Self::Bars(Bars::new(total))
        } else {
            Self::Lines(Lines { total, titles: BTreeMap::new() })
        }
    }

    pub(super) fn show(&mut self, progress: Progress<'_>) {
        match (self, progress) {
            (Self::Dark, _) => {}
            (Self::Bars(bars), Progress::Started(index, job)) => bars.start(index, job),
            (Self::Bars(bars), Progress::Running(index, shown, _)) => bars.tick(index, &shown),
            (Self::Bars(bars), Progress::Ended(index, done)) => bars.end(index, done),
            (Self::Lines(lines), Progress::Started(index, job)) => lines.start(index, job),
            (Self::Lines(lines), Progress::Running(index, _, news)) => lines.tell(index, &news),
            (Self::Lines(lines), Progress::Ended(index, done)) => lines.end(index, done),
        }
    }
}

// === impl Bars ===

impl Bars {
    fn new(total: usize) -> Self {
        let screen = MultiProgress::new();
        let style = ProgressStyle::with_template(
            "{bar:20} {pos} of {len} cases{msg}, {elapsed} so far, about {eta} left",
        )
        .expect("a fixed template");
        let all = screen.add(ProgressBar::new(total as u64).with_style(style));
        all.tick();
        Self { screen, all, rows: BTreeMap::new(), tally: Tally::default() }
    }

    fn start(&mut self, index: usize, job: &Job) {
        let style = ProgressStyle::with_template("{spinner} {bar:12} {wide_msg}").expect("a fixed template");
        let title = title(job);
        // above the bar of all
        let bar = self.screen.insert_before(&self.all, ProgressBar::new(0).with_style(style));
        let short = format!("{} seed {}", clean(&job.setup.case), job.setup.seed);
        bar.set_message(short.clone());
        self.rows.insert(index, Row { title, short, bar, ticks: 0, control: None });
    }

    /// The bar goes to the run's deadline: a client that ends by itself ends before its bar.
    fn tick(&mut self, index: usize, shown: &Shown) {
        let Some(Row { title, short, bar, ticks, control }) = self.rows.get_mut(&index) else { return };
        if let Some(api) = shown.control.as_ref().filter(|api| Some(*api) != control.as_ref()) {
            let _the_terminal_is_gone = self.screen.println(format!("{title}: Toxiproxy's API on {api}"));
            *control = Some(api.clone());
        }
        *ticks += 1;
        bar.set_length(shown.until_ms.max(1));
        bar.set_position(shown.at_ms.min(shown.until_ms));
        bar.set_message(format!("{short} ({} s): {}", *ticks / 10, state(shown)));
        bar.tick();
        self.all.tick();
    }

    fn end(&mut self, index: usize, done: &Done) {
        let Some(Row { title, bar, .. }) = self.rows.remove(&index) else { return };
        bar.finish_and_clear();
        self.screen.remove(&bar);
        let _the_terminal_is_gone = self.screen.println(format!("{title}: {}", outcome(done)));
        self.tally.add(done);
        self.all.set_message(self.tally.to_string());
        self.all.inc(1);
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.all.finish_and_clear();
    }
}

// === impl Lines ===

impl Lines {
    fn start(&mut self, index: usize, job: &Job) {
        let title = format!("[{}/{}] {}", index + 1, self.total, title(job));
        eprintln!("{title}");
        self.titles.insert(index, title);
    }

    fn tell(&self, index: usize, news: &[News]) {
        let Some(title) = self.titles.get(&index) else { return };
        for News { at_ms, what } in news {
            eprintln!("{title}: at {}: {}", minutes(*at_ms), clean(what));
        }
    }

    fn end(&mut self, index: usize, done: &Done) {
        if let Some(title) = self.titles.remove(&index) {
            eprintln!("{title}: {}", outcome(done));
        }
    }
}

// === impl Tally ===

impl Tally {
    fn add(&mut self, done: &Done) {
        match judged(done).map(|judgement| judgement.verdict) {
            Some(Verdict::Pass) => {}
            Some(Verdict::Unknown) => self.unknown += 1,
            Some(Verdict::Fail) | None => self.failed += 1,
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.failed > 0 {
            write!(f, ", {} failed", self.failed)?;
        }
        if self.unknown > 0 {
            write!(f, ", {} unknown", self.unknown)?;
        }
        Ok(())
    }
}

/// `tikv_failure lightning@as-reported sim seed 1`
fn title(job: &Job) -> String {
    let setup = &job.setup;
    let client = format!("{}@{}", setup.client.name(), setup.client.revision());
    format!("{} {client} {} seed {}", clean(&setup.case), setup.world, setup.seed)
}

/// `3m 00s, 12 of 64, failure`
fn state(shown: &Shown) -> String {
    let faults = if shown.faults.is_empty() { "no fault".to_owned() } else { shown.faults.join(" + ") };
    let phase = if shown.phase == RUNNING { String::new() } else { format!("{}, ", shown.phase) };
    format!("{phase}{}, {} of {}, {faults}", minutes(shown.at_ms), shown.unique, shown.total)
}

/// `fail, stuck (1.4 s)`
fn outcome(done: &Done) -> String {
    let what = judged(done).map_or("could not be run".to_owned(), |judgement| {
        format!("{:?}, {:?}", judgement.verdict, judgement.outcome).to_lowercase()
    });
    format!("{what} ({:.1} s)", done.wall.as_secs_f64())
}

fn judged(done: &Done) -> Option<&Judgement> {
    done.run.as_ref().ok()?.judgement.as_ref()
}

/// `66m 03s`
fn minutes(at_ms: u64) -> String {
    let at = Duration::from_millis(at_ms);
    format!("{}m {:02}s", at.as_secs() / 60, at.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_whose_owner_does_not_mind() {
        use ColorChoice::{Always, Auto, Never};
        let (yes, empty) = (Some(OsStr::new("1")), Some(OsStr::new("")));
        assert!(coloured(Auto, true, None) && coloured(Auto, true, empty) && coloured(Always, false, yes));
        assert!(!coloured(Auto, true, yes) && !coloured(Auto, false, None) && !coloured(Never, true, None));
    }
}
