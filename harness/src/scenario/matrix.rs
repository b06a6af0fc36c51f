//! `matrix.yaml`: for each case of the files beside it, what each client revision does with it, and in which runs.
//!
//! So QA's files stay byte for byte QA's. `cargo test` asserts every run of the matrix; `unstuck run` only asks it
//! which client a case is meant for.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use super::case::{self, Expect};
use super::client_ref::ClientRef;
use super::diagnostic::{Diagnostics, Problem, position};
use super::fields::{Fields, shorten};
use super::file::client_at;
use super::keys::{CLASSES, ENTRY, EXPECT, MATRIX, OUTCOMES, RUN};
use super::node::{self, Node, Value};
use super::sizes::{self, SizeSpec};
use super::source;
use super::suggest::did_you_mean;

/// The name of the file, in the folder that it speaks of.
pub const FILE_NAME: &str = "matrix.yaml";

/// The name of the run in which a case is as its file says, in virtual time.
pub const AS_WRITTEN: &str = "sim";

/// Where a case is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum World {
    /// Virtual time, an in-memory network.
    Sim,
    /// Real sockets, real time.
    Tcp,
}

impl World {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Tcp => "tcp",
        }
    }
}

/// One run: a case, a client, a world, and what is to come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The scenario file, relative to the matrix.
    pub file: String,
    /// The case in it.
    pub case: String,
    /// What the run is called: `sim` for the plain one.
    pub name: String,
    /// The line of the expectation in the matrix, from 1.
    pub line: u32,
    /// Who is under test.
    pub client: ClientRef,
    /// What is to come out.
    pub expect: Expect,
    /// Where.
    pub world: World,
    /// By how much durations are divided.
    pub scale: u32,
    /// Overrides the file's sizes.
    pub sizes: SizeSpec,
    /// Replaces the case's `faultDuration`.
    pub fault_duration: Option<Duration>,
}

/// A matrix, resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    /// In the order of the file: each entry's clients in the plain run, then in each of its `runs`.
    pub runs: Vec<Run>,
    /// In the order of the file.
    pub entries: Vec<Entry>,
    /// What each entry speaks of, with its place.
    places: Vec<Place>,
    /// The file's name and text, without problems.
    source: Diagnostics,
}

/// What the catalogue says of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The scenario file, relative to the matrix.
    pub file: String,
    /// The case in it.
    pub case: String,
    /// What kind of trouble it stands for.
    pub class: Option<&'static str>,
    /// Where it was reported.
    pub issue: Option<String>,
    /// Whether it shows that the class is not found where it is not.
    pub control: bool,
}

/// A file, a case in it, and where an entry says so.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    file: (String, Range<usize>),
    case: (String, Range<usize>),
}

impl Matrix {
    /// What entries speak of and is not there. `cases` are those of each file beside the matrix; `None` where the
    /// file could not be loaded.
    pub fn strangers(&self, cases: &BTreeMap<String, Option<BTreeSet<String>>>) -> Diagnostics {
        let mut problems = Vec::new();
        for Place { file: (file, file_span), case: (case, case_span) } in &self.places {
            let (span, written, message, choices) = match cases.get(file) {
                None => {
                    let files = cases.keys().map(String::as_str).collect::<Vec<_>>();
                    (file_span, file, format!("there is no file `{}`", shorten(file)), files)
                }
                Some(Some(known)) if !known.contains(case) => {
                    let known = known.iter().map(String::as_str).collect();
                    (case_span, case, format!("`{file}` has no case `{}`", shorten(case)), known)
                }
                Some(_) => continue,
            };
            problems.push(Problem::error(span.clone(), message).hint(did_you_mean(written, &choices)));
        }
        Diagnostics::new(&self.source.file, &self.source.source, problems)
    }

    /// The client that a case is run with when nothing else says so: the first of its entry.
    pub fn client(&self, file: &str, case: &str) -> Option<&ClientRef> {
        self.runs.iter().find(|r| r.file == file && r.case == case).map(|r| &r.client)
    }
}

/// Loads a matrix. The files that it names are not opened: see [`Matrix::runs`].
///
/// # Errors
/// Every error of the file, with line, column and hint.
pub fn load(path: &Path) -> Result<Matrix, Diagnostics> {
    parse(&path.display().to_string(), &source::read(path)?)
}

/// Loads a matrix from bytes that somebody has read; `name` is what its errors call it.
///
/// # Errors
/// Every error of the file, with line, column and hint.
pub fn load_bytes(name: &str, bytes: Vec<u8>) -> Result<Matrix, Diagnostics> {
    parse(name, &source::text(name, bytes)?)
}

fn parse(name: &str, source: &str) -> Result<Matrix, Diagnostics> {
    let root = node::parse(name, source)?;
    let mut problems = Vec::new();
    let mut matrix = Matrix::default();
    if let Some(f) = Fields::of(&root, "the matrix", MATRIX, &mut problems) {
        for entry in f.list("entries", &mut problems) {
            read_entry(entry, source, &mut matrix, &mut problems);
        }
    }
    for (i, run) in matrix.runs.iter().enumerate() {
        let same = |r: &&Run| {
            (&r.file, &r.case, &r.name, &r.client) == (&run.file, &run.case, &run.name, &run.client)
        };
        if matrix.runs[..i].iter().any(|r| same(&r)) {
            let at = source.split_inclusive('\n').take(run.line as usize - 1).map(str::len).sum::<usize>();
            let text = source[at..].lines().next().unwrap_or_default();
            let indent = text.len() - text.trim_start().len();
            let message =
                format!("run `{}` of case `{}` is there twice for {}", run.name, run.case, run.client);
            problems.push(
                Problem::error(at + indent..at + text.len(), shorten(&message)).hint("name the runs apart"),
            );
        }
    }
    let found = Diagnostics::new(name, source, problems);
    if found.errors() == 0 { Ok(Matrix { source: found, ..matrix }) } else { Err(found) }
}

/// A client of an entry, and what it is expected to do.
struct Expected {
    client: ClientRef,
    expect: Expect,
    line: u32,
}

fn read_entry(entry: &Node, source: &str, matrix: &mut Matrix, problems: &mut Vec<Problem>) {
    let Some(f) = Fields::of(entry, "an entry", ENTRY, problems) else { return };
    let file = f.text("file", problems);
    let case = f.text("case", problems);
    if let Some((text, span)) = &file
        && (Path::new(text).is_absolute() || text.split(['/', '\\']).any(|part| part == ".."))
    {
        let problem = Problem::error(span.clone(), format!("`{}` is not beside the matrix", shorten(text)));
        problems.push(problem.hint("give a path below the matrix's folder"));
    }
    let clients = f.get("clients").map(|n| read_clients(n, source, problems)).unwrap_or_default();
    // Without them there is no matrix; the rest is still read, for its errors.
    let [(file, file_span), (case, case_span)] = [file, case].map(Option::unwrap_or_default);
    matrix.entries.push(Entry {
        file: file.to_owned(),
        case: case.to_owned(),
        class: f.word("class", &CLASSES, problems),
        issue: f.text("issue", problems).map(|(text, _)| text.to_owned()),
        control: f.word("control", &["true", "false"], problems) == Some("true"),
    });
    matrix.places.push(Place { file: (file.to_owned(), file_span), case: (case.to_owned(), case_span) });
    let mut add = |name: &str, (world, scale), fault_duration, sizes: &SizeSpec, clients: &[Expected]| {
        matrix.runs.extend(clients.iter().map(|c| Run {
            file: file.to_owned(),
            case: case.to_owned(),
            name: name.to_owned(),
            line: c.line,
            client: c.client.clone(),
            expect: c.expect.clone(),
            world,
            scale,
            sizes: sizes.clone(),
            fault_duration,
        }));
    };
    add(AS_WRITTEN, (World::Sim, 1), None, &SizeSpec::default(), &clients);
    for node in f.list("runs", problems) {
        let Some(run) = Fields::of(node, "a run", RUN, problems) else { continue };
        let name = run.text("name", problems);
        let world = match run.word("world", &["sim", "tcp"], problems) {
            Some("tcp") => World::Tcp,
            _ => World::Sim,
        };
        let scale = run.count("scale", problems).unwrap_or(1);
        if world == World::Sim && scale != 1 {
            let problem = Problem::error(run.key("scale"), "virtual time needs no `scale`");
            problems
                .push(problem.hint("its constants are the real ones: take `scale` out, or set `world: tcp`"));
        }
        let fault_duration = run.duration("faultDuration", problems);
        let sizes = sizes::read(run.get("cluster"), run.get("workload"), problems);
        let own = run.get("clients").map(|n| read_clients(n, source, problems));
        let (name, _) = name.unwrap_or_default();
        add(name, (world, scale), fault_duration, &sizes, own.as_deref().unwrap_or(&clients));
    }
}

/// `client@revision: stuck`, or `client@revision: {outcome: stuck, stuckAt: …}`.
fn read_clients(node: &Node, source: &str, problems: &mut Vec<Problem>) -> Vec<Expected> {
    let hint = "as in `lightning@fixed: completed`";
    let Value::Map(entries) = &node.value else {
        let message = format!("`clients` must be a mapping, not {}", node.kind());
        problems.push(Problem::error(node.span.clone(), message).hint(hint));
        return Vec::new();
    };
    if entries.is_empty() {
        problems.push(Problem::error(node.span.clone(), "`clients` is empty").hint(hint));
    }
    let mut read = Vec::new();
    for (key, value) in entries {
        let client = key.scalar().and_then(|text| client_at(text, key, problems));
        let expect = match value.scalar() {
            Some(word) if OUTCOMES.contains(&word) => {
                Some(Expect { outcome: case::outcome(word), ..Expect::default() })
            }
            Some(word) => {
                let problem =
                    Problem::error(value.span.clone(), format!("`{}` is no outcome", shorten(word)));
                problems.push(problem.hint(did_you_mean(word, &OUTCOMES)));
                None
            }
            None => {
                Fields::of(value, "an expectation", EXPECT, problems).map(|f| case::expectation(&f, problems))
            }
        };
        if let (Some(client), Some(expect)) = (client, expect) {
            let line = position(source, key.span.start).0 as u32;
            read.push(Expected { client, expect, line });
        }
    }
    read
}
