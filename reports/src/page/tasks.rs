//! What is stuck: the last dump as a tree of who started whom, alike stacks folded, with exact ages; and what moved
//! up to it.

use std::collections::BTreeMap;

use maud::{Markup, html};
use unstuck_record::digest::{Digest, Group, Movement, Program, Waited};
use unstuck_record::{Judgement, Run, Span, Task, TaskDump};

use super::{LINE, NAME, thousandths};
use crate::dump::{self, frames, shown, stood, tree};
use crate::shell::{prose, untrusted};
use crate::terminal::{self, Acted};

/// So many ids of one stack.
const IDS: usize = 12;
/// So many groups that do not idle are told.
const GROUPS: usize = 60;
/// So many parts of a dump that could not be read.
const UNREAD: usize = 3;
/// So many faults behind the strip of a wait.
const FAULTS: usize = 40;
/// So many stacks that stood still, and so many that became more.
const STILL: usize = 30;
/// So many ways that tasks went.
const WENT: usize = 12;

/// The tasks of one program at its last dump.
struct View<'a> {
    run: &'a Run,
    judgement: &'a Judgement,
    digest: &'a Digest,
    last: Option<&'a TaskDump>,
    by_id: BTreeMap<u64, &'a Task>,
    /// Whether a finding names any of them.
    named: bool,
}

/// The tree of the last dump.
pub(super) fn tree(run: &Run, judgement: &Judgement, program: &Program) -> Markup {
    let view = View::of(run, judgement, program);
    let at = view.last.map_or(0, |dump| dump.at_ms);
    let (groups, left) = {
        let walked = tree::walk(view.digest);
        let kept: Vec<_> = walked.iter().copied().filter(|&(_, index)| index < GROUPS).collect();
        let left = walked.len() - kept.len();
        (kept, left)
    };
    html! {
        p.dim {
            "at " (Span(at)) ": " (untrusted(&shown::summary(view.digest), LINE))
        }
        ul.tree { (view.branch(&groups)) }
        @if left > 0 { p.dim { "and " (left) " more stacks, see the record" } }
        @for unread in view.digest.unread.iter().take(UNREAD) {
            details { summary { "not read: " (untrusted(&unread.error, LINE)) } pre { (untrusted(&unread.text, LINE)) } }
        }
    }
}

// === impl View ===

impl<'a> View<'a> {
    fn of(run: &'a Run, judgement: &'a Judgement, program: &'a Program) -> Self {
        let last = run.dumps.iter().rev().find(|dump| dump.process == program.process);
        let by_id = last.iter().flat_map(|dump| &dump.tasks).map(|task| (task.id, task)).collect();
        let mut view = Self { run, judgement, digest: &program.last, last, by_id, named: false };
        view.named = view.digest.groups.iter().any(|group| !view.found(group).is_empty());
        view
    }

    /// Groups in the order of the tree with their depth; siblings, each with those that it started.
    fn branch(&self, walked: &[(usize, usize)]) -> Markup {
        let Some(&(depth, _)) = walked.first() else { return html! {} };
        let siblings = walked.chunk_by(|_, next| next.0 > depth);
        html! {
            @for family in siblings {
                li {
                    (self.group(family[0].1))
                    @if family.len() > 1 { ul { (self.branch(&family[1..])) } }
                }
            }
        }
    }

    fn group(&self, index: usize) -> Markup {
        let group = &self.digest.groups[index];
        let found = self.found(group);
        // what a finding names is what people look for; without one, the most suspicious
        let open = if self.named { !found.is_empty() } else { index == 0 && group.idle.is_none() };
        let waited = self.by_link(&group.wait);
        let since = self.since(group);
        html! {
            details.group.idle[group.idle.is_some()] open[open] {
                summary {
                    @for kind in &found { span.chip.found { (kind) } " " }
                    span.what { (untrusted(&shown::subject(self.digest, group), LINE)) (self.age(group, since)) }
                    @if group.idle.is_some() { " " span.chip { "idle" } }
                    (self.strip(since))
                }
                dl.facts {
                    @if let Some(why) = &group.idle { dt { "idle" } dd { (untrusted(why, LINE)) } }
                    @for (name, text) in shown::facts(self.digest.runtime, &waited) {
                        dt { (name) } dd { (untrusted(&text, LINE)) }
                    }
                    @let details = self.details(group);
                    @if !details.is_empty() { dt { "says" } dd { (untrusted(&details, LINE)) } }
                    @let labels = shown::labels(&group.stacks, IDS);
                    @if !labels.is_empty() { dt { "labels" } dd { (untrusted(&labels, LINE)) } }
                    @let ids = shown::ids(&group.stacks, IDS);
                    @if !ids.is_empty() { dt { "tasks" } dd { (prose(&ids, 2 * LINE)) } }
                }
                @if let Some(stack) = group.stacks.first() {
                    (frames(&stack.frames, stack.created_by.as_ref()))
                }
                @if group.stacks.len() > 1 {
                    p.dim { "one of " (group.stacks.len()) " stacks through these functions" }
                }
            }
        }
    }

    /// The wait with links in the place of the addresses that the client dialled.
    fn by_link(&self, waited: &Waited) -> Waited {
        let mut named = waited.clone();
        for on in &mut named.on {
            if let Some(link) = self.run.header.links.iter().find(|link| link.addr == on.address) {
                on.address = format!("{} ({})", link.name, link.addr);
            }
        }
        named
    }

    /// The tasks of a group, where the record has them with all that a client of ours tells.
    fn tasks(&self, group: &'a Group) -> impl Iterator<Item = &'a Task> {
        let members = group.stacks.iter().flat_map(|stack| &stack.members);
        let tasks = members.filter_map(|member| self.by_id.get(&member.id?).copied());
        tasks.filter(|task| task.foreign.is_none())
    }

    /// The kinds of the findings that name one of them.
    fn found(&self, group: &Group) -> Vec<&'static str> {
        let has =
            |id| group.stacks.iter().flat_map(|stack| &stack.members).any(|member| member.id == Some(id));
        let named = self.judgement.findings.iter().filter(|finding| finding.task.is_some_and(has));
        let mut kinds: Vec<&str> = named.map(|finding| terminal::kind(finding.kind)).collect();
        kinds.dedup();
        kinds
    }

    /// Since when the first and the last of them have waited.
    fn since(&self, group: &'a Group) -> Option<(u64, u64)> {
        let times = || self.tasks(group).filter_map(|task| Some(task.wait.as_ref()?.since_ms));
        times().min().zip(times().max())
    }

    fn age(&self, group: &Group, since: Option<(u64, u64)>) -> String {
        let Some(((first, last), dump)) = since.zip(self.last) else { return shown::age(group) };
        let age = |since| Span(dump.at_ms.saturating_sub(since)).to_string();
        match (age(last), age(first)) {
            (youngest, oldest) if youngest == oldest => format!(", for {oldest}"),
            (youngest, oldest) => format!(", for {youngest} to {oldest}"),
        }
    }

    /// The wait on the axis of the run, with the faults behind it.
    fn strip(&self, since: Option<(u64, u64)>) -> Markup {
        let Some(((first, last), dump)) = since.zip(self.last) else { return html! {} };
        let end = terminal::end_ms(self.run);
        let rect = |class: &str, from: u64, to: u64, (y, height): (u8, u8)| {
            let (x, to) = (thousandths(from, end), thousandths(to, end));
            html! { rect class=(class) x=(x) width=(to.saturating_sub(x).max(4)) y=(y) height=(height) {} }
        };
        let faults = (0..self.run.header.plan.len().min(FAULTS)).map(|index| Acted::of(self.run, index));
        html! {
            svg.strip viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
                @for fault in faults.filter(|fault| fault.injected) {
                    (rect("fault", fault.start_ms, fault.end_ms, (0, 10)))
                }
                (rect("some", first, dump.at_ms, (3, 4)))
                (rect("all", last, dump.at_ms, (3, 4)))
            }
        }
    }

    /// What the waits say beside their site, the commonest first.
    fn details(&self, group: &'a Group) -> String {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for wait in self.tasks(group).filter_map(|task| task.wait.as_ref()) {
            *counts.entry(&wait.detail).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().filter(|(detail, _)| !detail.is_empty()).collect();
        counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        shown::listed(counts.into_iter().map(|(detail, _)| detail.to_owned()), 3)
    }
}

/// What moved between the last two dumps, and since when the rest stands still.
pub(super) fn moved(run: &Run, program: &Program) -> Markup {
    let Program { process, last: digest, movement } = program;
    let went = went(run, *process);
    html! {
        p { (untrusted(&between(movement), LINE)) }
        @if !went.is_empty() {
            ul.went {
                @for ((from, to), count) in went.iter().take(WENT) {
                    li {
                        (shown::tasks(digest.runtime, *count)) ": " code { (untrusted(from, NAME)) } " → "
                        code { (untrusted(to, NAME)) }
                    }
                }
                @if went.len() > WENT { li.dim { "and " (went.len() - WENT) " more ways" } }
            }
        }
        @for still in movement.still.iter().take(STILL) { (stood(digest.runtime, movement, still, false)) }
        @if movement.still.len() > STILL { p.dim { "and " (movement.still.len() - STILL) " more stacks" } }
        @for grown in movement.grown.iter().take(STILL) {
            (dump::grown(&grown.counts, &grown.wait.site, &grown.frames))
        }
    }
}

/// Between which dumps, and what happened there in numbers.
fn between(movement: &Movement) -> String {
    match movement.dumps.as_slice() {
        [] => "no task dump was taken".into(),
        [(only, _)] => format!("only one dump was taken, at {only}: nothing to compare it with"),
        [.., (before, _), (last, _)] => {
            let changes = shown::changes(movement);
            let changes = changes.strip_prefix("between the last two: ").unwrap_or(&changes);
            format!("between {before} and {last}: {changes}")
        }
    }
}

/// Where tasks stood in the last two dumps of different moments, of those that went elsewhere; the most tasks first.
fn went(run: &Run, process: u32) -> Vec<((String, String), u64)> {
    let mut dumps = run.dumps.iter().rev().filter(|dump| dump.process == process);
    let Some(last) = dumps.next() else { return vec![] };
    let Some(before) = dumps.find(|dump| dump.at_ms < last.at_ms) else { return vec![] };
    let before: BTreeMap<u64, &Task> = before.tasks.iter().map(|task| (task.id, task)).collect();
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    for task in &last.tasks {
        let Some(was) = before.get(&task.id) else { continue };
        let (from, to) = (place(was), place(task));
        if from != to {
            *counts.entry((from.to_owned(), to.to_owned())).or_default() += 1;
        }
    }
    let mut went: Vec<_> = counts.into_iter().collect();
    went.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    went
}

/// Where a task stands, in a word.
fn place(task: &Task) -> &str {
    let state = task.foreign.as_ref().map(|foreign| foreign.state.as_str());
    let site = task.wait.as_ref().map(|wait| wait.site.as_str()).or(state);
    site.filter(|site| !site.is_empty()).unwrap_or("running")
}
