//! The ways from the load to the node.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::process;

/// One way.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    Direct,
    /// With so many threads.
    Ours(usize),
    Toxiproxy(PathBuf),
    Haproxy(PathBuf),
}

/// A way that is open. Its process ends with it.
pub(crate) struct Path {
    addr: SocketAddr,
    child: Option<Child>,
    config: Option<PathBuf>,
}

impl Route {
    /// What this machine has, and what it lacks.
    pub(crate) fn all() -> (Vec<Route>, Vec<String>) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut routes = vec![Route::Direct, Route::Ours(cores), Route::Ours(1)];
        let mut missing = Vec::new();
        let mut look = |variable: &str, name: &str, route: fn(PathBuf) -> Route| match find(variable, name) {
            Some(program) => routes.push(route(program)),
            None => missing.push(format!("`{name}` (in `PATH`, or where `{variable}` says)")),
        };
        look("TOXIPROXY", "toxiproxy-server", Route::Toxiproxy);
        look("HAPROXY", "haproxy", Route::Haproxy);
        (routes, missing)
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Route::Direct => "direct".to_owned(),
            Route::Ours(1) => "ours, 1 thread".to_owned(),
            Route::Ours(_) => "ours".to_owned(),
            Route::Toxiproxy(_) => "Toxiproxy".to_owned(),
            Route::Haproxy(_) => "HAProxy".to_owned(),
        }
    }

    pub(crate) fn open(&self, node: SocketAddr) -> io::Result<Path> {
        match self {
            Route::Direct => Ok(Path { addr: node, child: None, config: None }),
            Route::Ours(threads) => ours(node, *threads),
            Route::Toxiproxy(program) => toxiproxy(program, node),
            Route::Haproxy(program) => haproxy(program, node),
        }
    }
}

fn ours(node: SocketAddr, threads: usize) -> io::Result<Path> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["forward", &node.to_string(), &threads.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("it is piped")).read_line(&mut line)?;
    let addr = line.trim().parse().map_err(io::Error::other)?;
    Ok(Path { addr, child: Some(child), config: None })
}

fn toxiproxy(program: &PathBuf, node: SocketAddr) -> io::Result<Path> {
    let (api, addr) = (free()?, free()?);
    let child = Command::new(program)
        .args(["-port", &api.port().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let path = Path { addr, child: Some(child), config: None };
    let body = format!(r#"{{"name":"bench","listen":"{addr}","upstream":"{node}","enabled":true}}"#);
    let head = "POST /proxies HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Type: application/json";
    let mut conn = listening(api)?;
    write!(conn, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    let mut answer = String::new();
    conn.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 201") { Ok(path) } else { Err(io::Error::other(answer)) }
}

fn haproxy(program: &PathBuf, node: SocketAddr) -> io::Result<Path> {
    let addr = free()?;
    let config =
        std::env::temp_dir().join(format!("haproxy-bench-{}-{}.cfg", std::process::id(), addr.port()));
    fs::write(
        &config,
        format!(
            "global\n  maxconn 9950\ndefaults\n  mode tcp\n  timeout connect 10s\n  timeout client 10m\n  \
             timeout server 10m\nlisten bench\n  bind {addr}\n  server node {node}\n"
        ),
    )?;
    let child = Command::new(program)
        .arg("-db")
        .arg("-f")
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let path = Path { addr, child: Some(child), config: Some(config) };
    drop(listening(addr)?);
    Ok(path)
}

/// A connection to a program that is about to listen.
fn listening(at: SocketAddr) -> io::Result<TcpStream> {
    let mut tried = 0;
    loop {
        match TcpStream::connect(at) {
            Ok(conn) => return Ok(conn),
            Err(error) if tried == 1000 => return Err(error),
            Err(_) => tried += 1,
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// A port that was free a moment ago.
fn free() -> io::Result<SocketAddr> {
    TcpListener::bind(("127.0.0.1", 0))?.local_addr()
}

fn find(variable: &str, name: &str) -> Option<PathBuf> {
    if let Some(program) = std::env::var_os(variable) {
        return Some(program.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

impl Path {
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn cpu(&self) -> Option<Duration> {
        process::cpu(self.child.as_ref()?.id())
    }

    pub(crate) fn memory(&self) -> Option<f64> {
        process::memory(self.child.as_ref()?.id())
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ended_already = child.kill().and_then(|()| child.wait());
        }
        if let Some(config) = &self.config {
            let _nobody_needs_it = fs::remove_file(config);
        }
    }
}
