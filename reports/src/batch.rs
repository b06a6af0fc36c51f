//! Many cases as one report has them: those that were judged, those that could not be run, those that nobody began.

use unstuck_record::{Judgement, Run};

use crate::terminal::Aside;

/// One case of a report.
#[derive(Clone, Copy, Debug)]
pub enum Ended<'a> {
    /// It ran and was judged.
    Judged {
        /// The record.
        run: &'a Run,
        /// The judgement.
        judgement: &'a Judgement,
        /// What is not in the record.
        aside: Aside<'a>,
    },
    /// The harness itself failed.
    Broken {
        /// Which case.
        which: Which<'a>,
        /// Why, in words.
        error: &'a str,
    },
    /// It was never begun: somebody interrupted.
    NotRun(Which<'a>),
}

/// A case that has no record.
#[derive(Clone, Copy, Debug)]
pub struct Which<'a> {
    /// The scenario file.
    pub file: &'a str,
    /// The line of the case in it, from 1.
    pub line: u32,
    /// The case's name.
    pub case: &'a str,
    /// `name@revision`.
    pub client: &'a str,
    /// `sim`, `tcp`.
    pub world: &'a str,
    /// The seed.
    pub seed: u64,
}

impl<'a> Ended<'a> {
    /// Which case it is.
    pub fn which(&self) -> Which<'a> {
        match *self {
            Ended::Judged { run, .. } => {
                let header = &run.header;
                Which {
                    file: &header.file,
                    line: header.line,
                    case: &header.case,
                    client: &header.client,
                    world: &header.world,
                    seed: header.seed,
                }
            }
            Ended::Broken { which, .. } | Ended::NotRun(which) => which,
        }
    }
}
