//! Which case with which client in which world: what is compared from night to night.

use std::fmt;

use serde::Serialize;

use crate::text::clean;

/// A case in a run of its matrix, with a client, in a world. Its seeds are compared one by one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cell {
    /// The scenario file, with `/`, as seen from the folder in which the nights run.
    pub file: String,
    /// The case's name.
    #[serde(rename = "case")]
    pub name: String,
    /// The run of the matrix, empty for the case as written.
    pub variant: String,
    /// `name@revision`.
    pub client: String,
    /// `sim` or `tcp`.
    pub world: String,
}

impl Cell {
    /// A number that is the same on every machine and for ever: FNV-1a of all that makes the cell, with ends marked.
    pub fn hash(&self) -> u64 {
        let parts = [&self.file, &self.name, &self.variant, &self.client, &self.world];
        let bytes = parts.into_iter().flat_map(|part| part.bytes().chain([0xff]));
        let fnv = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        // FNV's low bits alone would deal like names to the same part
        fnv ^ (fnv >> 32)
    }

    /// Whether it is the turn of part `part` of `parts`, counted from 1: each cell is one part's, and only its.
    pub fn is_of(&self, part: u32, parts: u32) -> bool {
        self.hash() % u64::from(parts.max(1)) == u64::from(part.saturating_sub(1))
    }

    /// Whether a seed fixes everything in its world.
    pub fn is_exact(&self) -> bool {
        self.world == "sim"
    }

    /// Its name as an anchor of a page.
    pub fn anchor(&self) -> String {
        format!("c{:016x}", self.hash())
    }
}

impl fmt::Display for Cell {
    /// `tikv_failure, lightning@fixed, tcp`; the variant only where it says more than the world.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {}", clean(&self.name), clean(&self.client), clean(&self.world))?;
        if self.variant.is_empty() || self.variant == self.world {
            return Ok(());
        }
        write!(f, " ({})", clean(&self.variant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(number: u32) -> Cell {
        let [file, client, world] = ["a.yaml", "br@fixed", "sim"].map(str::to_owned);
        Cell { file, name: format!("case_{number}"), variant: String::new(), client, world }
    }

    #[test]
    fn parts_are_disjoint_are_all_together_and_none_has_much_more_than_its_share() {
        for parts in 1..=7 {
            let mut sizes = vec![0; parts as usize];
            for number in 0..700 {
                let turns: Vec<u32> = (1..=parts).filter(|part| cell(number).is_of(*part, parts)).collect();
                assert_eq!(turns.len(), 1, "{number} of {parts}");
                sizes[turns[0] as usize - 1] += 1;
            }
            // 700 balls in up to 7 boxes: the fullest has hardly ever a third more than its share
            assert!(sizes.iter().all(|size| size * parts * 3 < 700 * 4), "{sizes:?}");
        }
    }

    #[test]
    fn a_cell_has_the_same_number_for_ever() {
        assert_eq!(format!("{:016x}", cell(1).hash()), "31f189d3e0862a7c");
        let moved = Cell { file: "a.yamlcase_1".into(), name: String::new(), ..cell(1) };
        assert_ne!(cell(1).hash(), moved.hash());
    }
}
