//! Where dumps come from: files, folders, stdin, an HTTP address.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an address may take in all.
const DEADLINE: Duration = Duration::from_secs(60);
/// No dump is larger: Go cuts its own at 64 MB, and a million goroutines are about a gigabyte.
const LARGEST: u64 = 2 << 30;

/// One place with dumps.
pub(super) enum Source {
    Stdin,
    Url(String),
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("stdin"),
            Self::Url(url) => f.write_str(url),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// The sources of some arguments, folders opened; and what is wrong with those that cannot be.
pub(super) fn list(arguments: &[String]) -> (Vec<Source>, Vec<String>) {
    let (mut sources, mut broken) = (vec![], vec![]);
    for argument in arguments {
        let source = Source::of(argument);
        match &source {
            Source::File(path) if path.is_dir() => match files(path) {
                Ok(files) if files.is_empty() => broken.push(format!("{source}: no file is in this folder")),
                Ok(files) => sources.extend(files.into_iter().map(Source::File)),
                Err(error) => broken.push(format!("{source}: {error}")),
            },
            _ => sources.push(source),
        }
    }
    (sources, broken)
}

/// The files of a folder by name, numbers in it by their value; hidden ones left out.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = vec![];
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        // a pipe would be waited for
        if !hidden && path.is_file() {
            files.push(path);
        }
    }
    files.sort_by_cached_key(|path| natural(&path.file_name().unwrap_or_default().to_string_lossy()));
    Ok(files)
}

/// A key by which `dump-9` comes before `dump-10`.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut key = vec![];
    let mut rest = name;
    while !rest.is_empty() {
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let digits = rest[letters..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - letters);
        let number = rest[letters..letters + digits].parse().unwrap_or(u64::MAX);
        key.push((rest[..letters].to_owned(), number));
        rest = &rest[letters + digits..];
    }
    key
}

impl Source {
    pub(super) fn of(argument: &str) -> Self {
        match argument {
            "-" => Self::Stdin,
            url if url.starts_with("http://") || url.starts_with("https://") => Self::Url(url.to_owned()),
            path => Self::File(path.into()),
        }
    }

    /// Its name among others of its kind.
    pub(super) fn short(&self) -> String {
        match self {
            Self::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            Self::Stdin | Self::Url(_) => self.to_string(),
        }
    }

    /// All that is there.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::Stdin => limited(io::stdin().lock()),
            Self::File(path) => {
                std::fs::File::open(path).map_err(|error| error.to_string()).and_then(limited)
            }
            Self::Url(url) => fetch(url),
        }
    }
}

fn limited(from: impl io::Read) -> Result<Vec<u8>, String> {
    let mut bytes = vec![];
    from.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LARGEST { Err(format!("larger than {} GiB", LARGEST >> 30)) } else { Ok(bytes) }
}

fn fetch(url: &str) -> Result<Vec<u8>, String> {
    if url.starts_with("https://") {
        return Err(format!("`https` is not spoken here: `curl '{url}' | unstuck dump -`"));
    }
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(DEADLINE)).build().into();
    let mut answer = agent.get(url).call().map_err(|error| error.to_string())?;
    answer.body_mut().with_config().limit(LARGEST).read_to_vec().map_err(|error| error.to_string())
}

/// What to do with bytes that are no text.
pub(super) fn packed(bytes: &[u8]) -> Option<&'static str> {
    let gzip = bytes.starts_with(&[0x1f, 0x8b]);
    gzip.then_some(
        "packed by gzip: `zcat FILE | unstuck dump -`; or, if it is pprof's own form, take it with `?debug=2` instead",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_taken_by_the_numbers_in_their_names() {
        let mut names = ["dump-10", "dump-9", "a", "dump-9b", "dump"];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(names, ["a", "dump", "dump-9", "dump-9b", "dump-10"]);
    }
}
