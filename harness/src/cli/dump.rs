//! `unstuck dump FILE…`: what is stuck in a task dump, and what moved between several.

mod source;

use std::io::{BufWriter, ErrorKind, Write as _};

use unstuck_dump::{Allow, Dump, Series, fold, idle, parse, unread};
use unstuck_record::digest::{Digest, Group, Movement};
use unstuck_record::{Run, TaskDump};
use unstuck_reports::dump::{self as report, Detail};
use unstuck_reports::terminal::Style;

use super::args::{DumpArgs, GoForm};
use super::{Exit, out};
use source::Source;

/// Reads the dumps and prints what they hold.
pub(super) fn run(args: &DumpArgs, colour: bool) -> Exit {
    match read(args) {
        Ok((read, broken)) => {
            for error in &broken {
                eprintln!("error: {error}");
            }
            let shown = show(args, &read, colour);
            match shown {
                Exit::Pass if !broken.is_empty() => Exit::Scenario,
                other => other,
            }
        }
        Err(error) => {
            eprintln!("error: {error}");
            Exit::Scenario
        }
    }
}

/// What was read of all sources.
#[derive(Default)]
struct Read {
    digests: Vec<Digest>,
    series: Series,
}

/// Every dump of every source, and what is wrong with the sources that have none.
fn read(args: &DumpArgs) -> Result<(Read, Vec<String>), String> {
    let allow = allow(&args.idle)?;
    let (sources, mut broken) = source::list(&args.sources);
    let mut read = Read::default();
    for source in sources {
        let bytes = match source.bytes() {
            Ok(bytes) => bytes,
            Err(error) => {
                broken.push(format!("{source}: {error}"));
                continue;
            }
        };
        if let Err(error) = read.add(args, &source, &bytes, &allow) {
            broken.push(format!("{source}: {error}"));
        }
    }
    Ok((read, broken))
}

/// The list of what may wait for ever, with what the user adds.
fn allow(files: &[String]) -> Result<Allow, String> {
    let mut allow = Allow::known();
    for file in files {
        let bytes = Source::of(file).bytes().map_err(|error| format!("{file}: {error}"))?;
        let text = unstuck_dump::decode(&bytes);
        let parsed = parse(&text);
        if parsed.dumps.is_empty() {
            let rules: idle::Rules = serde_saphyr::from_str(&text).map_err(|error| {
                format!("{file}: neither a dump nor rules (`go: [{{stack: […], why: …}}]`): {error}")
            })?;
            allow.add(rules);
        }
        for dump in &parsed.dumps {
            allow.add_dump(dump);
        }
    }
    Ok(allow)
}

impl Read {
    fn add(&mut self, args: &DumpArgs, source: &Source, bytes: &[u8], allow: &Allow) -> Result<(), String> {
        if let Ok(run) = Run::parse_bytes(bytes) {
            for dump in &run.dumps {
                let name = format!("{source} at {}", unstuck_record::Span(dump.at_ms));
                let short = unstuck_record::Span(dump.at_ms).to_string();
                self.one(args, &Dump::of_record(dump), (&name, &short), Some(dump.at_ms), allow);
            }
            return if run.dumps.is_empty() {
                Err("no task dump is in this record".to_owned())
            } else {
                Ok(())
            };
        }
        if let Some(hint) = source::packed(bytes) {
            return Err(hint.to_owned());
        }
        let text = unstuck_dump::decode(bytes);
        let parsed = parse(&text);
        for (index, dump) in parsed.dumps.iter().enumerate() {
            let number = if parsed.dumps.len() == 1 { String::new() } else { format!(" #{}", index + 1) };
            let (name, short) = (format!("{source}{number}"), format!("{}{number}", source.short()));
            self.one(args, dump, (&name, &short), None, allow);
        }
        match (parsed.dumps.is_empty(), parsed.unread.first()) {
            (true, Some(first)) => Err(first.error.to_owned()),
            (true, None) => Err("it is empty".to_owned()),
            (false, _) => {
                if let Some(last) = self.digests.last_mut() {
                    last.unread = unread(&parsed.unread);
                }
                Ok(())
            }
        }
    }

    /// One dump, by its name and what a series calls it.
    fn one(
        &mut self,
        args: &DumpArgs,
        dump: &Dump<'_>,
        (name, short): (&str, &str),
        at_ms: Option<u64>,
        allow: &Allow,
    ) {
        if let Some(form) = args.go {
            go(form, &dump.to_record(at_ms.unwrap_or(0)));
            return;
        }
        self.series.add(dump, short, at_ms, allow);
        let digest = fold(dump, name, allow);
        if !args.json
            && args.html.is_none()
            && self.digests.last().is_some_and(|last| last.form == digest.form)
        {
            // of a series the last one is told
            self.digests.pop();
        }
        self.digests.push(digest);
    }
}

fn go(form: GoForm, dump: &TaskDump) {
    out::say(&match form {
        GoForm::Debug2 => report::go(dump),
        GoForm::Debug1 => report::go_profile(dump),
    });
}

fn show(args: &DumpArgs, read: &Read, colour: bool) -> Exit {
    let Some(last) = read.digests.last() else {
        return if args.go.is_some() { Exit::Pass } else { Exit::Scenario };
    };
    // dumps of several forms are no series of one program
    let alike = read.digests.iter().all(|digest| digest.form == last.form);
    let movement = Some(read.series.movement()).filter(|movement| alike && movement.dumps.len() > 1);
    if let Some(path) = &args.html {
        let page = report::html(&read.digests, movement.as_ref());
        if let Err(error) = std::fs::write(path, page) {
            eprintln!("error: {}: {error}", path.display());
            return Exit::Harness;
        }
    }
    if args.json {
        if let Err(error) = json(&read.digests, movement.as_ref())
            && error.kind() != ErrorKind::BrokenPipe
        {
            eprintln!("error: stdout: {error}");
            return Exit::Harness;
        }
    } else {
        let style = Style { colour, ..Style::default() };
        let detail = Detail { all: args.all, tree: args.tree };
        let reports =
            read.digests.iter().map(|digest| report::terminal(digest, movement.as_ref(), detail, style));
        out::say(&reports.collect::<Vec<_>>().join("\n"));
    }
    let Some(minutes) = args.leak else { return Exit::Pass };
    let old =
        |group: &&Group| group.idle.is_none() && group.oldest_minutes.is_some_and(|oldest| oldest >= minutes);
    let leaks: Vec<&Group> = last.groups.iter().filter(old).collect();
    if leaks.is_empty() {
        return Exit::Pass;
    }
    let stacks = if leaks.len() == 1 { "stack has" } else { "stacks have" };
    eprintln!("leak: {} {stacks} waited {minutes} minutes or more and may not wait for ever", leaks.len());
    Exit::Fail
}

fn json(digests: &[Digest], movement: Option<&Movement>) -> std::io::Result<()> {
    let mut stdout = BufWriter::new(std::io::stdout().lock());
    for digest in digests {
        report::write(&mut stdout, digest)?;
    }
    if let Some(movement) = movement {
        report::write_movement(&mut stdout, movement)?;
    }
    stdout.flush()
}
