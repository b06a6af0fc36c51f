//! Two runs, or two times many, held against each other. Virtual time and what faults touched compare exactly; on real
//! sockets, where they never are the same, a time differs by more than a tenth, and a fault by touching nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use unstuck_record::{Evidence, Run, Span};

use crate::history::{Cell, Origin, Row};
use crate::terminal::{Style, colour, effect, evidence, named, outcome, verdict};
use crate::text::{clean, wrap};

/// Real times that differ by less than this share are the same.
const REAL: f64 = 0.10;

/// What is compared of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    cell: Cell,
    row: Row,
    /// Each fault in words, whether it touched anything, what it touched.
    faults: Vec<(String, bool, String)>,
}

/// Something that is not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Differs {
    /// What: `outcome`, `verdict`, `findings`, `time`, `budget`, `baseline`, `client`, `seed`, or a fault.
    pub what: String,
    /// In the first.
    pub old: String,
    /// In the second.
    pub new: String,
}

/// One run, in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pair {
    /// Which, as the second has it.
    #[serde(flatten)]
    pub cell: Cell,
    /// Its seed.
    pub seed: u64,
    /// What differs.
    pub differs: Vec<Differs>,
}

/// One run, in one of them only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alone {
    /// Which.
    #[serde(flatten)]
    pub cell: Cell,
    /// Its seed.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// So many runs are in both and the same.
    pub same: u64,
    /// Those in both that are not.
    pub different: Vec<Pair>,
    /// Those in the first only.
    pub only_old: Vec<Alone>,
    /// Those in the second only.
    pub only_new: Vec<Alone>,
}

/// Compares runs: those of the same file, case, client, world and seed; of what is left those that differ in the client
/// or the file's folder; what is left of that, if it is one of each.
pub fn compare(old: Vec<Compared>, new: Vec<Compared>) -> Comparison {
    let (mut old, mut new) = (by(old, Compared::whole), by(new, Compared::whole));
    let mut pairs = paired(&mut old, &mut new);
    let (mut old, mut new) =
        (by(old.into_values(), Compared::loosely), by(new.into_values(), Compared::loosely));
    pairs.extend(paired(&mut old, &mut new));
    let (mut old, mut new): (Vec<_>, Vec<_>) = (old.into_values().collect(), new.into_values().collect());
    if old.len() == 1 && new.len() == 1 {
        pairs.extend(old.pop().zip(new.pop()));
    }
    let mut comparison = Comparison {
        same: 0,
        different: vec![],
        only_old: old.iter().map(Compared::alone).collect(),
        only_new: new.iter().map(Compared::alone).collect(),
    };
    for (old, new) in pairs {
        let differs = differences(&old, &new);
        if differs.is_empty() {
            comparison.same += 1;
        } else {
            comparison.different.push(Pair { cell: new.cell, seed: new.row.seed, differs });
        }
    }
    comparison.different.sort_by(|a, b| (&a.cell, a.seed).cmp(&(&b.cell, b.seed)));
    comparison
}

/// Runs by a key; of those with the same key the last.
fn by<K: Ord>(runs: impl IntoIterator<Item = Compared>, key: fn(&Compared) -> K) -> BTreeMap<K, Compared> {
    runs.into_iter().map(|run| (key(&run), run)).collect()
}

/// Takes out what both have.
fn paired<K: Ord>(
    old: &mut BTreeMap<K, Compared>,
    new: &mut BTreeMap<K, Compared>,
) -> Vec<(Compared, Compared)> {
    let taken = std::mem::take(old);
    let mut pairs = vec![];
    for (key, run) in taken {
        match new.remove(&key) {
            Some(other) => pairs.push((run, other)),
            None => {
                old.insert(key, run);
            }
        }
    }
    pairs
}

fn differences(old: &Compared, new: &Compared) -> Vec<Differs> {
    let mut found = vec![];
    let mut tell = |what: &str, old: String, new: String| {
        if old != new {
            found.push(Differs { what: what.to_owned(), old, new });
        }
    };
    let (a, b) = (&old.row, &new.row);
    let exact = old.cell.is_exact() && new.cell.is_exact();
    tell("file", clean(&old.cell.file), clean(&new.cell.file));
    tell("case", old.cell.to_string(), new.cell.to_string());
    tell("seed", a.seed.to_string(), b.seed.to_string());
    let outcome = |row: &Row| row.outcome.map_or("not judged", outcome).to_owned();
    tell("outcome", outcome(a), outcome(b));
    let verdict = |row: &Row| row.verdict.map_or("none", verdict).to_lowercase();
    tell("verdict", verdict(a), verdict(b));
    let findings = |row: &Row| if row.found.is_empty() { "none".to_owned() } else { row.found.to_string() };
    tell("findings", findings(a), findings(b));
    let times = [
        ("time", Some(a.virtual_ms), Some(b.virtual_ms)),
        ("budget", Some(a.budget_ms), Some(b.budget_ms)),
        ("baseline", a.baseline_ms, b.baseline_ms),
    ];
    for (what, old, new) in times {
        if old != new && (exact || far(old, new)) {
            let said = |ms: Option<u64>| {
                ms.map_or("not measured".to_owned(), |ms| format!("{} ({ms} ms)", Span(ms)))
            };
            tell(what, said(old), said(new));
        }
    }
    for place in 0..old.faults.len().max(new.faults.len()) {
        let (old, new) = (old.faults.get(place), new.faults.get(place));
        let touched =
            |fault: Option<&(String, bool, String)>| fault.map(|(name, touched, _)| (name.clone(), *touched));
        if old != new && (exact || touched(old) != touched(new)) {
            let name = new.or(old).map_or(String::new(), |(name, _, _)| name.clone());
            let said = |fault: Option<&(String, bool, String)>| {
                fault.map_or("not planned".to_owned(), |(fault, _, effect)| {
                    if *fault == name { effect.clone() } else { format!("{fault}: {effect}") }
                })
            };
            tell(&format!("fault {}, {name}", place + 1), said(old), said(new));
        }
    }
    found
}

fn far(old: Option<u64>, new: Option<u64>) -> bool {
    let (Some(old), Some(new)) = (old, new) else { return true };
    (new.max(1) as f64 / old.max(1) as f64).ln().abs() > REAL.ln_1p()
}

/// The comparison in plain text; `old` and `new` are what the two are called.
pub fn plain(comparison: &Comparison, old: &str, new: &str, style: Style) -> String {
    let mut out = String::new();
    for pair in &comparison.different {
        let name = format!("{}, seed {}", pair.cell, pair.seed);
        let _infallible = writeln!(out, "{}", colour::bold(style, &name));
        for Differs { what, old, new } in &pair.differs {
            wrap(&mut out, style.width, "  ", &format!("{what}: {old} → {new}"));
        }
    }
    for (runs, side) in [(&comparison.only_old, old), (&comparison.only_new, new)] {
        for Alone { cell, seed } in runs {
            let _infallible = writeln!(out, "only in {}: {cell}, seed {seed}", clean(side));
        }
    }
    let _infallible = writeln!(
        out,
        "{} the same, {} different, {} only in {}, {} only in {}",
        comparison.same,
        comparison.different.len(),
        comparison.only_old.len(),
        clean(old),
        comparison.only_new.len(),
        clean(new)
    );
    out
}

/// The comparison as one JSON object. The schema is `reports/schema/compare.json`.
pub fn json(comparison: &Comparison) -> String {
    serde_json::to_string(comparison).expect("every field is plain data")
}

// === impl Comparison ===

impl Comparison {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        self.different.is_empty() && self.only_old.is_empty() && self.only_new.is_empty()
    }
}

// === impl Compared ===

impl Compared {
    /// What is compared of this run.
    pub fn of(run: &Run) -> Self {
        let header = &run.header;
        let fault = |place: usize| {
            let planned = &header.plan[place];
            let at = run.trigger(place).map_or(String::new(), |trigger| format!(" at {trigger},"));
            let name =
                format!("{},{at} {} to {}", named(planned), Span(planned.start_ms), Span(planned.end_ms));
            (name, Evidence::touched(&evidence(run, place)), effect(run, place))
        };
        Self {
            cell: Cell {
                file: header.file.replace('\\', "/"),
                name: header.case.clone(),
                variant: header.variant.clone().unwrap_or_default(),
                client: header.client.clone(),
                world: header.world.clone(),
            },
            row: Row::of(run, 0, Origin::Pinned, None),
            faults: (0..header.plan.len()).map(fault).collect(),
        }
    }

    fn whole(&self) -> (Cell, u64) {
        (self.cell.clone(), self.row.seed)
    }

    /// Another client or revision, or the same file seen from another folder.
    fn loosely(&self) -> (Cell, u64) {
        let file = self.cell.file.rsplit('/').next().unwrap_or_default().to_owned();
        (Cell { client: String::new(), file, ..self.cell.clone() }, self.row.seed)
    }

    fn alone(&self) -> Alone {
        Alone { cell: self.cell.clone(), seed: self.row.seed }
    }
}
