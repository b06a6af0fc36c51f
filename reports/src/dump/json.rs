//! Folded dumps for machines: one object a dump, and one more for what moved. The schema is
//! `reports/schema/dump.json`.

use std::io::{self, Write};

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use unstuck_record::digest::{Digest, Group, Member, Movement, Stack, Waited};
use unstuck_record::{Frame, Runtime, Unread};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dump<'a> {
    source: &'a str,
    runtime: Option<Runtime>,
    form: &'a str,
    total: u64,
    distinct: u64,
    idle: u64,
    groups: Vec<Folded<'a>>,
    tasks: Tasks<'a>,
    unread: &'a [Unread],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Folded<'a> {
    tasks: u64,
    state: &'a str,
    idle: Option<&'a str>,
    wait: &'a Waited,
    oldest_minutes: Option<u64>,
    youngest_minutes: Option<u64>,
    started_by: Option<usize>,
    stacks: usize,
    frames: &'a [Frame],
    created_by: Option<&'a Frame>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Task<'a> {
    id: Option<u64>,
    name: &'a str,
    state: &'a str,
    wait_minutes: Option<u64>,
    locked: bool,
    count: u64,
    parent: Option<u64>,
    labels: Labels<'a>,
    group: usize,
    frames: &'a [Frame],
    created_by: Option<&'a Frame>,
}

/// Every task with its whole stack, written one after the other: together they would not fit in memory.
struct Tasks<'a>(&'a [Group]);

impl Serialize for Tasks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tasks = serializer.serialize_seq(None)?;
        for (index, group) in self.0.iter().enumerate() {
            for stack in &group.stacks {
                for member in &stack.members {
                    tasks.serialize_element(&Task::of(index, group, stack, member))?;
                }
            }
        }
        tasks.end()
    }
}

struct Labels<'a>(&'a [(String, String)]);

impl Serialize for Labels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'a> Task<'a> {
    fn of(index: usize, group: &'a Group, stack: &'a Stack, member: &'a Member) -> Self {
        Self {
            id: member.id,
            name: &member.name,
            state: &group.state,
            wait_minutes: member.wait_minutes,
            locked: member.locked,
            count: member.count,
            parent: member.parent,
            labels: Labels(&member.labels),
            group: index,
            frames: &stack.frames,
            created_by: stack.created_by.as_ref(),
        }
    }
}

impl<'a> Folded<'a> {
    fn of(group: &'a Group) -> Self {
        let stack = group.stacks.first();
        Self {
            tasks: group.tasks,
            state: &group.state,
            idle: group.idle.as_deref(),
            wait: &group.wait,
            oldest_minutes: group.oldest_minutes,
            youngest_minutes: group.youngest_minutes,
            started_by: group.started_by,
            stacks: group.stacks.len(),
            frames: stack.map_or(&[], |stack| &stack.frames),
            created_by: stack.and_then(|stack| stack.created_by.as_ref()),
        }
    }
}

/// Writes one dump as one line.
pub fn write(out: &mut impl Write, digest: &Digest) -> io::Result<()> {
    let dump = Dump {
        source: &digest.source,
        runtime: digest.runtime,
        form: &digest.form,
        total: digest.tasks,
        distinct: digest.stacks,
        idle: digest.idle,
        groups: digest.groups.iter().map(Folded::of).collect(),
        tasks: Tasks(&digest.groups),
        unread: &digest.unread,
    };
    line(out, &dump)
}

/// Writes what moved as one line.
pub fn write_movement(out: &mut impl Write, movement: &Movement) -> io::Result<()> {
    line(out, movement)
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
