//! A program as a run starts it: its placeholders filled, its folder made.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::super::Env;
use super::super::outside::Inside;
use super::group;
use crate::scenario::program::{Dump, Program as Spec, Ready, Source, placeholder};

/// The program as this run starts it: every placeholder filled, but for those of a process that is not there yet.
pub(super) fn filled(
    spec: &Spec,
    (index, number): (u32, u32),
    dir: &Path,
    work: &WorkDir,
    env: &Env,
) -> io::Result<Spec> {
    let status_addr = match env.outside.container() {
        Some(inside) => inside.addr(number),
        None => free_addr()?,
    };
    let status_addr = status_addr.to_string();
    let pd = |before: &str| env.pd.iter().map(|addr| format!("{before}{addr}")).collect::<Vec<_>>().join(",");
    let value = |name: &str| {
        Some(match name {
            "pd" => pd(""),
            "pd_urls" => pd("http://"),
            "work_dir" => work.0.display().to_string(),
            "dir" => dir.display().to_string(),
            "status_addr" => status_addr.clone(),
            "index" => index.to_string(),
            "seed" => env.seed.to_string(),
            _ => return None,
        })
    };
    let fill = |text: &String| placeholder::fill(text, value);
    let mut spec = spec.clone();
    spec.command = spec.command.iter().map(fill).collect();
    spec.env = spec.env.iter().map(|(name, value)| (name.clone(), fill(value))).collect();
    spec.work_dir = spec.work_dir.as_ref().map(fill);
    match &mut spec.ready {
        Some((Ready::Port(addr) | Ready::Http(addr), _)) => *addr = fill(addr),
        Some((Ready::Said(..), _)) | None => {}
    }
    match &mut spec.progress.source {
        Source::Metric { url, .. } | Source::Json { url, .. } => *url = fill(url),
        Source::File { path, .. } => *path = fill(path),
        Source::Cluster(_) | Source::Said(..) => {}
    }
    let Dump { pprof, command, file, .. } = &mut spec.dump;
    *pprof = pprof.take().map(|(addr, form)| (fill(&addr), form));
    *command = command.take().map(|texts| texts.iter().map(fill).collect());
    *file = file.take().map(|path| fill(&path));
    Ok(spec)
}

/// A port that is free now. Nothing holds it until the program listens there.
fn free_addr() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// The process to start. A path is relative to the scenario's folder, a bare name is looked for where commands are.
pub(super) fn command(spec: &Spec, dir: &Path, work: &WorkDir) -> Command {
    let program = Path::new(&spec.command[0]);
    let program = if program.components().count() > 1 { dir.join(program) } else { program.to_owned() };
    let work_dir = spec.work_dir.as_ref().map_or_else(|| work.0.clone(), |path| dir.join(path));
    let mut command = Command::new(program);
    command
        .args(&spec.command[1..])
        .current_dir(work_dir)
        .envs(spec.env.iter().map(|(name, value)| (name, value)));
    command
}

/// The same in a container, attached to it: `docker` hands on signals, output and exit code, and the mark, by which what is
/// in the container is known. It sees the scenario's folder, the program's and the one of this run, and nothing else.
pub(super) fn contained(spec: &Spec, dir: &Path, work: &WorkDir, inside: &Inside, number: u32) -> Command {
    let bare = command(spec, dir, work);
    let bare = bare.as_std();
    let program = Path::new(bare.get_program());
    let work_dir = bare.get_current_dir().unwrap_or(&work.0);
    let folders = [Some(dir), Some(work_dir), Some(work.0.as_path()), program.parent()];
    let folders: BTreeSet<&Path> =
        folders.into_iter().flatten().filter(|folder| folder.is_absolute()).collect();
    let mut docker = Command::new("docker");
    docker.args(["run", "--rm", "--pull", "never", "--env", group::MARK, "--network", inside.network()]);
    docker.args(["--label", &format!("unstuck={}", std::process::id()), "--name", &inside.name(number)]);
    docker.args(["--ip", &inside.addr(number).ip().to_string()]);
    for folder in folders {
        docker.arg("--volume").arg(format!("{0}:{0}", folder.display()));
    }
    docker.arg("--workdir").arg(work_dir).arg("--entrypoint").arg(program);
    for (name, value) in &spec.env {
        docker.arg("--env").arg(format!("{name}={value}"));
    }
    docker.arg(inside.image()).args(bare.get_args());
    docker
}

/// A folder of one run, gone with it. Its name is unique, and so marks what the run has started.
pub(super) struct WorkDir(PathBuf);

impl WorkDir {
    pub(super) fn create() -> io::Result<Self> {
        let base = std::env::temp_dir();
        for number in 0_u64.. {
            let path = base.join(format!("unstuck-{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        unreachable!("some number is free")
    }
    /// What marks the processes of this folder.
    pub(super) fn mark(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        let _left_to_the_system = fs::remove_dir_all(&self.0);
    }
}
