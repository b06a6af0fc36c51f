//! What is shown while cases run: progress bars on a terminal, one plain line an event elsewhere. All on stderr.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::IsTerminal;
use std::time::Duration;

use clap::ColorChoice;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use unstuck_reports::text::clean;

use crate::run::batch::{Job, Progress};
use crate::run::status::Shown;

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
pub(super) struct Screen {
    total: usize,
    bars: Option<MultiProgress>,
    quiet: bool,
    rows: BTreeMap<usize, Row>,
}

struct Row {
    title: String,
    bar: Option<ProgressBar>,
    faults: Vec<String>,
    ticks: u32,
}

impl Screen {
    pub(super) fn new(total: usize, quiet: bool) -> Self {
        let bars = (!quiet && std::io::stderr().is_terminal()).then(MultiProgress::new);
        Self { total, bars, quiet, rows: BTreeMap::new() }
    }

    pub(super) fn show(&mut self, progress: Progress<'_>) {
        if self.quiet {
            return;
        }
        match progress {
            Progress::Started(index, job) => self.start(index, job),
            Progress::Running(index, shown) => self.tick(index, &shown),
            Progress::Ended(index, done) => {
                let Some(row) = self.rows.remove(&index) else { return };
                if let Some(bar) = row.bar {
                    bar.finish_and_clear();
                }
                let judged = done.run.as_ref().ok().and_then(|run| run.judgement.as_ref());
                let what = judged.map_or("could not be run".to_owned(), |judgement| {
                    format!("{:?}, {:?}", judgement.verdict, judgement.outcome).to_lowercase()
                });
                self.line(&format!("{}: {what} ({:.1} s)", row.title, done.wall.as_secs_f64()));
            }
        }
    }

    fn start(&mut self, index: usize, job: &Job) {
        let setup = &job.setup;
        let client = format!("{}@{}", setup.client.name(), setup.client.revision());
        let title = format!(
            "[{}/{}] {} {client} {} seed {}",
            index + 1,
            self.total,
            clean(&setup.case),
            setup.world,
            setup.seed
        );
        let bar = self.bars.as_ref().map(|bars| {
            let style = ProgressStyle::with_template("{spinner} {wide_msg}").expect("a fixed template");
            bars.add(ProgressBar::new_spinner().with_style(style).with_message(title.clone()))
        });
        if bar.is_none() {
            self.line(&title);
        }
        self.rows.insert(index, Row { title, bar, faults: vec![], ticks: 0 });
    }

    fn tick(&mut self, index: usize, shown: &Shown) {
        let Some(row) = self.rows.get_mut(&index) else { return };
        row.ticks += 1;
        let at = minutes(Duration::from_millis(shown.at_ms));
        let faults = if shown.faults.is_empty() { "no fault".to_owned() } else { shown.faults.join(" + ") };
        let wall = f64::from(row.ticks) / 10.0;
        let state = format!(
            "{} at {at}, {} of {}, {faults}, {wall:.0} s of wall time",
            shown.phase, shown.unique, shown.total
        );
        if let Some(bar) = &row.bar {
            bar.set_message(format!("{}: {state}", row.title));
            bar.tick();
        } else if row.faults != shown.faults {
            row.faults.clone_from(&shown.faults);
            let line = format!("{}: {state}", row.title);
            self.line(&line);
        }
    }

    fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) => {
                let _the_terminal_is_gone = bars.println(text);
            }
            None => eprintln!("{text}"),
        }
    }
}

/// `66m 03s`
fn minutes(at: Duration) -> String {
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
