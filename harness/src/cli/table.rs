//! Many seeds as a table: a row for each case and client, a column for each outcome.

use std::fmt;

use indexmap::IndexMap;
use unstuck_record::{Outcome, Run};
use unstuck_reports::text::clean;

/// Counts by case and client, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Table(IndexMap<(String, String), Row>);

#[derive(Debug, Default)]
struct Row {
    seeds: u64,
    outcomes: [u64; 5],
    with_findings: u64,
    /// What was found first, and how often.
    found: IndexMap<String, u64>,
    /// A few seeds that are not like the others, to look at.
    odd: IndexMap<Outcome, Vec<u64>>,
}

const OUTCOMES: [(Outcome, &str); 5] = [
    (Outcome::Completed, "completed"),
    (Outcome::Slow, "slow"),
    (Outcome::Stuck, "stuck"),
    (Outcome::Failed, "failed"),
    (Outcome::Interrupted, "interrupted"),
];

impl Table {
    pub(super) fn add(&mut self, run: &Run) {
        let Some(judgement) = &run.judgement else { return };
        let row = self.0.entry((run.header.case.clone(), run.header.client.clone())).or_default();
        row.seeds += 1;
        let column = OUTCOMES.iter().position(|(outcome, _)| *outcome == judgement.outcome);
        row.outcomes[column.expect("every outcome has a column")] += 1;
        if let Some(first) = judgement.findings.first() {
            row.with_findings += 1;
            let kind = format!("{:?}", first.kind).to_lowercase();
            let site = first.wait_site.as_deref().map_or(String::new(), |site| format!(" at {site}"));
            *row.found.entry(format!("{kind}{site}")).or_default() += 1;
        }
        row.odd.entry(judgement.outcome).or_default().push(run.header.seed);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((case, client), row) in &self.0 {
            let counts = OUTCOMES.iter().zip(row.outcomes).filter(|(_, count)| *count > 0);
            let counts: Vec<String> = counts.map(|((_, name), count)| format!("{count} {name}")).collect();
            writeln!(f, "{}  {client}  {} seeds: {}", clean(case), row.seeds, counts.join(", "))?;
            for (found, count) in &row.found {
                writeln!(f, "    {count} x {}", clean(found))?;
            }
            if row.found.is_empty() {
                writeln!(f, "    no finding")?;
            }
            let rare = |seeds: &&Vec<u64>| (seeds.len() as u64) * 10 <= row.seeds;
            for (outcome, seeds) in row.odd.iter().filter(|(_, seeds)| rare(seeds)) {
                let first: Vec<String> = seeds.iter().take(8).map(u64::to_string).collect();
                writeln!(f, "    {outcome:?} with seed {}", first.join(", "))?;
            }
        }
        Ok(())
    }
}
