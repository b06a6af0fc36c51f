//! Tasks of a program in another runtime. Its dumps do not tell who waits for whom, only where each task stands; a task
//! that stands in one place dump after dump, while nothing gets done, is what is looked for.
//!
//! Of many such tasks one waits and the others wait for it. What tells them apart: code of the program tells more than
//! that of libraries, which have tasks that idle by nature; of the program's own, a task that started another one that
//! stands still waits behind it; and one that was elsewhere before tells more than one that was always there.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use unstuck_dump::Allow;
use unstuck_dump::idle::{Rule, Rules};
use unstuck_record::digest::{Still, WaitKind};
use unstuck_record::{Finding, FindingKind, Frame, LinkInfo, Runtime, Span, Task, TaskDump};

use super::super::facts::Facts;
use super::{finding, patience_ms};

/// So many functions of a stack are told.
const FRAMES: usize = 4;

/// Tasks that stand still, with what that is worth.
struct Suspect<'a> {
    still: &'a Still,
    /// When they came there, as far as is known; and the first dump in which they are sure to have stood there.
    since_ms: u64,
    seen_ms: u64,
    in_own_code: bool,
    was_elsewhere: bool,
}

/// What stands still in the dumps of programs, the most telling first.
pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    if !facts.never_ended() {
        return vec![];
    }
    let mut processes: BTreeMap<u32, Vec<TaskDump>> = BTreeMap::new();
    for dump in facts.run.dumps.iter().filter(|dump| dump.runtime.is_some()) {
        processes.entry(dump.process).or_default().push(dump.clone());
    }
    processes.into_values().flat_map(|dumps| of_process(facts, dumps)).collect()
}

fn of_process(facts: &Facts<'_>, mut dumps: Vec<TaskDump>) -> Vec<Finding> {
    dumps.sort_by_key(|dump| dump.at_ms);
    let movement = unstuck_dump::unmoved(&dumps, &allowed(&facts.run.header.idle));
    let mut suspects: Vec<Suspect<'_>> =
        movement.still.iter().map(|still| Suspect::of(facts, &dumps, still)).collect();
    let all = count(&suspects);
    prefer(&mut suspects, |suspect| suspect.in_own_code);
    let standing: BTreeSet<u64> = suspects.iter().flat_map(|suspect| &suspect.still.ids).copied().collect();
    let starters = starters(&dumps, &standing);
    prefer(&mut suspects, |suspect| !suspect.still.ids.iter().any(|id| starters.contains(id)));
    // whoever waits behind one that may yet go on waits as it should: this comes after
    suspects.retain(|suspect| facts.end_ms.saturating_sub(suspect.since_ms) >= patience_ms(facts));
    prefer(&mut suspects, |suspect| suspect.was_elsewhere);
    suspects.sort_by_key(|suspect| (Reverse(suspect.still.ids.len()), suspect.since_ms));
    let told = count(&suspects);
    let mut findings: Vec<Finding> =
        suspects.iter().map(|suspect| suspect.finding(facts, &dumps, movement.dumps.len())).collect();
    if let (Some(first), more @ 1..) = (findings.first_mut(), all - told) {
        first.evidence.push(match more {
            1 => "1 more task stands still, behind these or in libraries".to_owned(),
            more => format!("{more} more tasks stand still, behind these or in libraries"),
        });
    }
    findings
}

/// Leaves those of which this holds, if there are any.
fn prefer<'a>(suspects: &mut Vec<Suspect<'a>>, which: impl Fn(&Suspect<'a>) -> bool) {
    if suspects.iter().any(&which) {
        suspects.retain(which);
    }
}

fn count(suspects: &[Suspect<'_>]) -> usize {
    suspects.iter().map(|suspect| suspect.still.ids.len()).sum()
}

/// What may wait for ever: what is known to, and what the scenario adds, whatever the runtime.
fn allowed(idle: &[String]) -> Allow {
    let mut allow = Allow::known();
    let rule = |part: &String| Rule {
        stack: vec![part.clone()],
        why: "the scenario says so".into(),
        ..Rule::default()
    };
    let rules: Vec<Rule> = idle.iter().map(rule).collect();
    allow.add(Rules::from(
        [Runtime::Go, Runtime::Tokio, Runtime::Python].map(|runtime| (runtime, rules.clone())),
    ));
    allow
}

/// The tasks that started one that stands still, or started one that did.
fn starters(dumps: &[TaskDump], standing: &BTreeSet<u64>) -> BTreeSet<u64> {
    let parents: BTreeMap<u64, u64> =
        dumps.iter().flat_map(|dump| &dump.tasks).map(|task| (task.id, task.parent)).collect();
    let mut starters = BTreeSet::new();
    for task in standing {
        let mut task = *task;
        while let Some(&parent) = parents.get(&task).filter(|&&parent| parent != 0) {
            if !starters.insert(parent) {
                break;
            }
            task = parent;
        }
    }
    starters
}

impl<'a> Suspect<'a> {
    fn of(facts: &Facts<'_>, dumps: &[TaskDump], still: &'a Still) -> Self {
        let first = dumps.get(still.first).map_or(0, |dump| dump.at_ms);
        let began =
            still.ids.iter().filter_map(|id| Some(task(dumps.get(still.first)?, *id)?.polled_ms)).min();
        // whoever was only seen there again and again may have gone on for as long as anything got done
        let progress_ms = if still.proved { 0 } else { facts.last_progress_ms() };
        let since_ms = began.unwrap_or(first).max(progress_ms);
        let seen_ms = dumps
            .iter()
            .map(|dump| dump.at_ms)
            .find(|&at_ms| at_ms >= since_ms.max(first))
            .unwrap_or(since_ms);
        let elsewhere =
            |id: &u64| dumps[..still.first.min(dumps.len())].iter().any(|dump| task(dump, *id).is_some());
        let since_the_start = still.first == 0;
        Self {
            still,
            since_ms,
            seen_ms,
            in_own_code: still.frames.iter().any(is_own),
            was_elsewhere: !since_the_start && still.ids.iter().any(elsewhere),
        }
    }

    fn finding(&self, facts: &Facts<'_>, dumps: &[TaskDump], count: usize) -> Finding {
        let still = self.still;
        let id = still.ids[0];
        let last = dumps.get(still.last).and_then(|dump| task(dump, id));
        let state = last.and_then(|task| task.foreign.as_ref()).map_or("", |foreign| foreign.state.as_str());
        let own = still.frames.iter().find(|frame| is_own(frame)).or(still.frames.first());
        let function = own.map_or("(no function)", |frame| frame.function.as_str());
        // a wait that has a name of its own is told by it, any other by the function
        let named = !still.wait.site.is_empty() && still.wait.site != state && still.wait.site != function;
        let site = if named { still.wait.site.as_str() } else { function };
        let at = match (named, state) {
            (true, _) => format!("`{site}` in `{function}`"),
            (false, "") => format!("`{site}`"),
            (false, state) => format!("`{site}` ({state})"),
        };
        let who = match still.ids.len() {
            1 => format!("task {id}{} waits", name(last)),
            count => format!("{count} tasks wait"),
        };
        let link = self.link(facts, last);
        let place = link.map_or(String::new(), |link| format!(" on {}", link.name));
        let age_ms = facts.end_ms.saturating_sub(self.since_ms);
        let left = facts.fault_left();
        let fault = left.or_else(|| facts.fault_at(self.seen_ms));
        let why = match left {
            Some(fault) => format!("{} was still active at the end", facts.fault_text(fault)),
            None if still.wait.kind == WaitKind::Link => {
                "the peer is there, no fault is active, and nothing will wake it".into()
            }
            None => "no fault is active, and nothing moves it".into(),
        };
        let kind = if left.is_some() { FindingKind::Progress } else { FindingKind::Hang };
        Finding {
            wait_site: Some(site.to_owned()),
            task: Some(id),
            task_name: last.map(|task| task.name.clone()).filter(|name| !name.is_empty()),
            tasks: still.ids.len() as u64,
            age_ms: Some(age_ms),
            since_ms: Some(self.since_ms),
            link: link.map(|link| link.name.clone()),
            fault,
            evidence: self.evidence(facts, count),
            ..finding(kind, format!("{who} at {at}{place} for {}: {why}", Span(age_ms)))
        }
    }

    fn evidence(&self, facts: &Facts<'_>, count: usize) -> Vec<String> {
        let still = self.still;
        let between = (still.last + 1).saturating_sub(still.first);
        let proof = if still.proved { "the ages tell that it never left" } else { "the dumps tell no ages" };
        let mut told = vec![
            still.before.clone(),
            still.after.clone(),
            format!("there in {between} dumps in a row, of {count}; {proof}"),
        ];
        let frames = still.frames.iter().filter(|frame| is_own(frame)).take(FRAMES);
        let frames: Vec<String> = frames.map(place).collect();
        if !frames.is_empty() {
            told.push(format!("in {}", frames.join(", called by ")));
        }
        told.extend(still.created_by.as_ref().map(|created| format!("started by {}", place(created))));
        if !facts.run.header.links.is_empty() {
            told.push(open_links(facts));
        }
        told
    }

    /// The link that the task waits on: by an address among its labels, else the only one that has a connection.
    fn link<'f>(&self, facts: &Facts<'f>, task: Option<&Task>) -> Option<&'f LinkInfo> {
        let labels =
            task.and_then(|task| task.foreign.as_ref()).map_or(&[][..], |foreign| foreign.labels.as_slice());
        if let Some(link) = labels.iter().find_map(|(_, value)| facts.link_at(value)) {
            return Some(link);
        }
        match (self.still.wait.kind, facts.open_links().as_slice()) {
            (WaitKind::Link, [(link, _)]) => Some(link),
            _ => None,
        }
    }
}

fn open_links(facts: &Facts<'_>) -> String {
    let open = facts.open_links();
    let open: Vec<String> = open.iter().map(|(link, conns)| format!("{conns} on {}", link.name)).collect();
    match open.len() {
        0 => "no connection of its is open at the end".into(),
        _ => format!("connections open at the end: {}", open.join(", ")),
    }
}

fn task(dump: &TaskDump, id: u64) -> Option<&Task> {
    dump.tasks.iter().find(|task| task.id == id)
}

fn name(task: Option<&Task>) -> String {
    task.filter(|task| !task.name.is_empty()).map_or(String::new(), |task| format!(" `{}`", task.name))
}

/// `main.(*loader).load` (main.go:40)
fn place(frame: &Frame) -> String {
    let file = frame.file.rsplit(['/', '\\']).next().unwrap_or_default();
    if file.is_empty() {
        format!("`{}`", frame.function)
    } else {
        format!("`{}` ({file}:{})", frame.function, frame.line)
    }
}

/// Whether a function is the program's own, neither its runtime's nor a library's, as far as names and places tell.
fn is_own(frame: &Frame) -> bool {
    const ELSEWHERE: [&str; 9] = [
        "/pkg/mod/",
        "/vendor/",
        "/go/src/",
        "/libexec/src/",
        "/site-packages/",
        "/dist-packages/",
        "/lib/python",
        "/registry/src/",
        "/rustc/",
    ];
    let file = frame.file.replace('\\', "/");
    // Go can leave out where its own library lies: what is left begins with the package
    let go = Path::new(&file).extension().is_some_and(|ending| ending == "go");
    let bare = go && !file.starts_with('/') && !file.contains(':') && !frame.function.starts_with("main.");
    !file.is_empty() && !file.starts_with('<') && !bare && !ELSEWHERE.iter().any(|place| file.contains(place))
}
