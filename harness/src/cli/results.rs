//! Where records go: a new numbered folder a run, a file a case.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::run::Setup;

/// The folder of one run.
#[derive(Debug)]
pub(super) struct Results(PathBuf);

impl Results {
    /// Creates the next free `run-0001` in `folder`. Two runs at once get one each.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        for number in 1_u32.. {
            let path = folder.join(format!("run-{number:04}"));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("every number is taken"))
    }

    /// The record of one case: named after what it is, of characters that any file system takes.
    pub(super) fn record(&self, setup: &Setup) -> PathBuf {
        let file = Path::new(&setup.file).file_stem().unwrap_or_default().to_string_lossy();
        let (client, revision) = (setup.client.name(), setup.client.revision());
        let (world, seed) = (setup.world, setup.seed);
        let name = format!("{file}.{}.{client}-{revision}.{world}.{seed}", setup.case);
        let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let name: String = name.chars().map(safe).take(200).collect();
        self.0.join(format!("{name}.jsonl"))
    }
}
