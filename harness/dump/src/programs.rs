//! The dumps of a record, by program: the last one folded, and what moved up to it.

use std::collections::BTreeMap;

use unstuck_record::digest::{Digest, Program};
use unstuck_record::{Run, Span, TaskDump};

use crate::dump::Dump;
use crate::fold::fold;
use crate::idle::Allow;
use crate::series::Series;

/// What the dumps of a record say, for each of its programs.
pub fn programs(run: &Run, allow: &Allow) -> Vec<Program> {
    let mut programs: BTreeMap<u32, Vec<&TaskDump>> = BTreeMap::new();
    for dump in &run.dumps {
        let dumps = programs.entry(dump.process).or_default();
        // the last dump of a run may be of the moment of the one before: between them nothing can move
        dumps.pop_if(|last| last.at_ms == dump.at_ms);
        dumps.push(dump);
    }
    programs.into_iter().map(|(process, dumps)| program(process, &dumps, allow)).collect()
}

fn program(process: u32, dumps: &[&TaskDump], allow: &Allow) -> Program {
    let (mut series, mut last) = (Series::default(), Digest::default());
    for (index, dump) in dumps.iter().enumerate() {
        let (at, read) = (Span(dump.at_ms).to_string(), Dump::of_record(dump));
        series.add(&read, &at, Some(dump.at_ms), allow);
        if index + 1 == dumps.len() {
            last = fold(&read, &at, allow);
        }
    }
    Program { process, last, movement: series.movement() }
}
