//! A scenario file, loaded: QA's mapping with `cases:`, a bare list of cases, or QA's configs around such.

use std::path::Path;

use super::case::{self, Case};
use super::client_ref::ClientRef;
use super::config;
use super::diagnostic::{self, Diagnostics, Problem, Severity};
use super::fields::Fields;
use super::keys::{self, FILE};
use super::lint;
use super::node::{self, Node, Value};
use super::program::{self, Program};
use super::sizes::{self, SizeSpec, Sizes};
use super::source;

/// A scenario file, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// As given.
    pub name: String,
    /// The client that it asks for, if it does.
    pub client: Option<ClientRef>,
    /// That client, if it is a program.
    pub program: Option<Program>,
    /// What it says about sizes.
    pub sizes: SizeSpec,
    /// At least one.
    pub cases: Vec<Case>,
    /// What is odd about it, but no error.
    pub warnings: Diagnostics,
}

/// Loads a scenario file.
///
/// # Errors
/// Every error of the file, with line, column and hint.
pub fn load(path: &Path) -> Result<File, Diagnostics> {
    parse(&path.display().to_string(), &source::read(path)?)
}

/// Loads a scenario from bytes that somebody has read; `name` is what its errors call it.
///
/// # Errors
/// Every error of the file, with line, column and hint.
pub fn load_bytes(name: &str, bytes: Vec<u8>) -> Result<File, Diagnostics> {
    parse(name, &source::text(name, bytes)?)
}

fn parse(name: &str, source: &str) -> Result<File, Diagnostics> {
    let root = node::parse(name, source)?;
    let mut problems = Vec::new();
    let resolved = resolve(name, source, &root, &mut problems);
    let found = Diagnostics::new(name, source, problems);
    match resolved {
        Some(file) if found.errors() == 0 => Ok(File { warnings: found, ..file }),
        _ => Err(found),
    }
}

/// What one scenario of a file says beside its cases.
#[derive(Default, PartialEq)]
struct Head {
    client: Option<ClientRef>,
    program: Option<Program>,
    sizes: SizeSpec,
    left_out: Vec<&'static str>,
}

fn resolve(name: &str, source: &str, root: &Node, problems: &mut Vec<Problem>) -> Option<File> {
    let configs = config::scenarios(source, root, problems);
    let roots = configs.as_deref().unwrap_or(std::slice::from_ref(root));
    let mut file: Option<(Head, Vec<&Node>, Vec<Case>)> = None;
    for root in roots {
        let Some((head, nodes)) = parts(source, root, problems) else { continue };
        let around = lint::Around::new(head.client.as_ref(), head.program.is_some(), &head.sizes);
        let mut cases = read_cases(source, &nodes, &head, &around, problems);
        if cases.len() == nodes.len() {
            lint::file(root, &cases, &around, problems);
        }
        match &mut file {
            None => file = Some((head, nodes, cases)),
            Some((first, all_nodes, all)) => {
                let same = (&head.client, &head.program, &head.sizes);
                if same != (&first.client, &first.program, &first.sizes) {
                    let message = "the configs of one file differ in `client`, `cluster` or `workload`";
                    problems.push(
                        Problem::error(root.span.clone(), message)
                            .hint("give each of them a file of its own"),
                    );
                }
                all_nodes.extend(nodes);
                all.append(&mut cases);
            }
        }
    }
    let (head, nodes, cases) = file?;
    refuse_doubles(&nodes, problems);
    Some(File {
        name: name.to_owned(),
        client: head.client,
        program: head.program,
        sizes: head.sizes,
        cases,
        warnings: Diagnostics::default(),
    })
}

/// A scenario's own keys, and its cases as written.
fn parts<'a>(source: &str, root: &'a Node, problems: &mut Vec<Problem>) -> Option<(Head, Vec<&'a Node>)> {
    let (head, cases, place) = match &root.value {
        Value::Null => {
            problems
                .push(Problem::error(root.span.clone(), "the file is empty").hint("a scenario has `cases:`"));
            return None;
        }
        Value::List(cases) => (Head::default(), cases, root.span.clone()),
        Value::Map(entries) if is_bare_case(entries) => {
            let span = entries.first().map_or(root.span.clone(), |(k, _)| k.span.clone());
            problems.push(
                Problem::error(span, "a case stands where the file's keys should")
                    .hint("put it in a list: `cases:`, then `- name: …`"),
            );
            return None;
        }
        _ => {
            let f = Fields::of(root, "the file", FILE, problems)?;
            let (client, program) = match f.get("client") {
                Some(node) if matches!(node.value, Value::Map(_)) => {
                    let line = diagnostic::position(source, f.key("client").start).0 as u32;
                    let program = program::read(node, line, problems);
                    (program.as_ref().map(Program::as_ref), program)
                }
                Some(node) => (read_client(node, problems), None),
                None => (None, None),
            };
            let sizes = sizes::read(f.get("cluster"), f.get("workload"), problems);
            let left_out = f.left_out(problems);
            f.text("tag", problems);
            let cases = match f.get("cases")? {
                Node { value: Value::List(cases), .. } => cases,
                other => {
                    let message = format!("`cases` must be a list, not {}", other.kind());
                    problems.push(
                        Problem::error(other.span.clone(), message).hint("each case begins with `- name: …`"),
                    );
                    return None;
                }
            };
            (Head { client, program, sizes, left_out }, cases, f.key("cases"))
        }
    };
    if cases.is_empty() {
        problems.push(Problem::error(place, "there are no cases").hint("each case begins with `- name: …`"));
    }
    Some((head, cases.iter().collect()))
}

fn read_cases(
    source: &str,
    nodes: &[&Node],
    head: &Head,
    around: &lint::Around<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Case> {
    let bounds = Sizes::of("", [&head.sizes]);
    let mut cases = Vec::new();
    for node in nodes {
        let before = problems.len();
        let case = case::read(node, source, (bounds.pd, bounds.tikv), problems);
        assert!(case.is_some() || problems.len() > before, "a case without an error is a case");
        if let Some(case) = &case {
            lint::case(node, case, around, problems);
        }
        cases.extend(case.map(|case| {
            let left_out = head.left_out.iter().copied().chain(case.left_out).collect();
            Case { left_out, ..case }
        }));
    }
    cases
}

/// A name picks out a case, in the matrix and in reports.
fn refuse_doubles(cases: &[&Node], problems: &mut Vec<Problem>) {
    let mut seen = std::collections::BTreeSet::new();
    for case in cases {
        let Value::Map(entries) = &case.value else { continue };
        let Some((_, name)) = entries.iter().find(|(k, _)| k.scalar() == Some("name")) else { continue };
        if let Some(text) = name.scalar()
            && !seen.insert(text)
        {
            let message = format!("there are two cases named `{}`", super::fields::shorten(text));
            problems.push(Problem::error(name.span.clone(), message).hint("names tell cases apart"));
        }
    }
}

fn is_bare_case(entries: &[(Node, Node)]) -> bool {
    let has =
        |keys: &[keys::Key]| entries.iter().any(|(k, _)| keys.iter().any(|c| k.scalar() == Some(c.name)));
    has(keys::CASE) && !has(FILE)
}

/// Reads `client:`.
fn read_client(node: &Node, problems: &mut Vec<Problem>) -> Option<ClientRef> {
    let Some(text) = node.scalar() else {
        let message = format!("`client` must be `name@revision` or a program, not {}", node.kind());
        let hint = format!("choose from {}, or write `{{command: …}}`", super::client_ref::choices());
        problems.push(Problem::error(node.span.clone(), message).hint(hint));
        return None;
    };
    client_at(text, node, problems)
}

/// A client named at a node.
pub(crate) fn client_at(text: &str, node: &Node, problems: &mut Vec<Problem>) -> Option<ClientRef> {
    match ClientRef::parse(text) {
        Ok(client) => Some(client),
        Err(e) => {
            let message = super::fields::shorten(&e.message);
            problems.push(
                Problem { severity: Severity::Error, ..Problem::error(node.span.clone(), message) }
                    .hint(e.hint),
            );
            None
        }
    }
}
