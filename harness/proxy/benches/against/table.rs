//! Medians of rounds and the best of them, a row a measurement, as Markdown.

use std::collections::BTreeMap;
use std::fmt;

pub(crate) struct Table {
    columns: Vec<String>,
    /// In the order in which they came.
    rows: Vec<String>,
    cells: BTreeMap<(String, String), Vec<f64>>,
}

impl Table {
    pub(crate) fn new(columns: impl Iterator<Item = String>) -> Self {
        Self { columns: columns.collect(), rows: Vec::new(), cells: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, row: String, column: String, value: f64) {
        if !self.rows.contains(&row) {
            self.rows.push(row.clone());
        }
        self.cells.entry((row, column)).or_default().push(value);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| |{}|", self.columns.join("|"))?;
        writeln!(f, "|---|{}", "---:|".repeat(self.columns.len()))?;
        for row in &self.rows {
            write!(f, "| {row} |")?;
            for column in &self.columns {
                match self.cells.get(&(row.clone(), column.clone())) {
                    Some(values) => {
                        let mut sorted = values.clone();
                        sorted.sort_by(f64::total_cmp);
                        let best = if row.ends_with("/s") { sorted[sorted.len() - 1] } else { sorted[0] };
                        write!(f, " {} ({}) |", digits(sorted[sorted.len() / 2]), digits(best))?;
                    }
                    None => write!(f, " |")?,
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Three that count.
fn digits(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}
