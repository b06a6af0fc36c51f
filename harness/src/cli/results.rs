//! Where records go: a new numbered folder a run, a file a case.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::run::Setup;

/// So many characters of a file's and a case's name: file systems take 255 bytes, and what follows must fit.
const LONGEST: usize = 120;

/// The folder of one run.
#[derive(Debug)]
pub(super) struct Results {
    folder: PathBuf,
    taken: BTreeSet<String>,
}

impl Results {
    /// Creates the next free `run-0001` in `folder`. Two runs at once get one each.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        for number in 1_u32.. {
            let path = folder.join(format!("run-{number:04}"));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self::within(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("every number is taken"))
    }

    /// A folder that is there.
    pub(super) fn within(folder: PathBuf) -> Self {
        Self { folder, taken: BTreeSet::new() }
    }

    /// The record of one case: named after what it is, of characters that any file system takes.
    /// No two are the same.
    pub(super) fn record(&mut self, setup: &Setup) -> PathBuf {
        let client = format!("{}-{}", setup.client.name(), setup.client.revision());
        let world = setup.world.to_string();
        self.place((&setup.file, &setup.case), &client, &world, setup.seed)
    }

    /// The same for a case of a file that is not run here.
    pub(super) fn place(
        &mut self,
        (file, case): (&str, &str),
        client: &str,
        world: &str,
        seed: u64,
    ) -> PathBuf {
        let file = Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
        let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let case: String = format!("{file}.{case}").chars().map(safe).take(LONGEST).collect();
        let client: String = client.chars().map(safe).take(LONGEST).collect();
        let first = format!("{case}.{client}.{world}.{seed}");
        let mut name = first.clone();
        for number in 2_u32.. {
            // not every file system tells `A` from `a`
            if self.taken.insert(name.to_lowercase()) {
                break;
            }
            name = format!("{first}-{number}");
        }
        self.folder.join(format!("{name}.jsonl"))
    }
}
