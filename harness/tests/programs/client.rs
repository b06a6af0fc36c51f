//! The programs: one that works, and those that do not behave.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio, exit};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

/// The environment variable that names the client to be.
pub(super) const NAME: &str = "UNSTUCK_TEST_CLIENT";

/// Is this client, and never returns.
pub(super) fn be(name: &str) -> ! {
    let args: Vec<String> = std::env::args().skip(1).collect();
    println!("pid {}", std::process::id());
    match name {
        "works" => works(&args),
        "hangs" => hangs(&args),
        "ignores" => ignores_sigterm(),
        "forks" => leaves_a_child(false),
        "escapes" => leaves_a_child(true),
        "floods" => floods(),
        "picky" if args[0] != "1" => sleep_for_ever(),
        "fails" | "picky" => fails(),
        "aborts" => std::process::abort(),
        "sleeps" => sleep_for_ever(),
        "lies" => println!("rows 1000/1000"),
        "falls" => falls(&args),
        "serves" => serves(&args),
        other => panic!("no client `{other}`"),
    }
    exit(0)
}

fn sleep_for_ever() -> ! {
    loop {
        thread::park();
    }
}

/// HTTP/2's PING, answered by every server: one unit of work.
struct Pinger(TcpStream);

impl Pinger {
    fn new(pd: &str) -> Self {
        let mut socket = TcpStream::connect(pd.split(',').next().unwrap()).unwrap();
        socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
        Self(socket)
    }
    fn ping(&mut self, number: u64) -> io::Result<()> {
        self.0.write_all(&[b"\0\0\x08\x06\0\0\0\0\0", &number.to_be_bytes()[..]].concat())?;
        loop {
            let mut head = [0; 9];
            self.0.read_exact(&mut head)?;
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            self.0.read_exact(&mut payload)?;
            if head[3] == 6 && payload == number.to_be_bytes() {
                return Ok(());
            }
        }
    }
}

/// Pings and tells of it, for as many units as it is told.
fn works(args: &[String]) {
    let (mut pinger, units) = (Pinger::new(&args[0]), args[1].parse().unwrap());
    for number in 1..=units {
        pinger.ping(number).unwrap();
        println!("rows {number}/{units}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The same, until an answer takes long; then it waits for what nobody will send.
fn hangs(args: &[String]) {
    let (mut pinger, units) = (Pinger::new(&args[0]), args[1].parse().unwrap());
    pinger.0.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    for number in 1..=units {
        if pinger.ping(number).is_err() {
            eprintln!("no answer to {number}");
            sleep_for_ever();
        }
        println!("rows {number}/{units}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn ignores_sigterm() {
    signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::new(AtomicBool::new(false))).unwrap();
    println!("ignoring");
    sleep_for_ever();
}

/// Its child outlives it and holds its streams open, in its group or in one of its own.
#[expect(clippy::zombie_processes, reason = "that is what it is here for")]
fn leaves_a_child(apart: bool) {
    let mut sleep = Command::new("sleep");
    sleep.arg("1000").stdin(Stdio::null());
    if apart {
        sleep.process_group(0);
    }
    let _left_behind = sleep.spawn().unwrap();
}

/// Lines without end, and a line without an end.
fn floods() {
    let mut out = io::stdout().lock();
    let line = format!("{}\n", "x".repeat(127));
    let megabyte = line.repeat(8 << 10);
    for _ in 0..24 {
        out.write_all(megabyte.as_bytes()).unwrap();
    }
    out.write_all(&vec![b'y'; 8 << 20]).unwrap();
    out.write_all(b"\nthe last line\n").unwrap();
}

fn fails() {
    eprintln!("panic: the disk is full");
    exit(3);
}

/// Its progress goes down at times.
fn falls(args: &[String]) {
    let mut pinger = Pinger::new(&args[0]);
    pinger.ping(1).unwrap();
    for done in [3, 1, 5, 2] {
        println!("rows {done}/5");
    }
}

/// Serves its progress in every form, works for ever, and ends on SIGTERM.
fn serves(args: &[String]) {
    let (mut pinger, addr, file) = (Pinger::new(&args[0]), &args[1], &args[2]);
    let done = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let server = std::net::TcpListener::bind(addr).unwrap();
    let counted = Arc::clone(&done);
    thread::spawn(move || {
        for socket in server.incoming() {
            let mut socket = socket.unwrap();
            let mut request = [0; 1024];
            let length = socket.read(&mut request).unwrap_or(0);
            let done = counted.load(std::sync::atomic::Ordering::Relaxed);
            let body = if String::from_utf8_lossy(&request[..length]).contains("/metrics") {
                format!(
                    "# TYPE rows counter\nrows{{half=\"a\"}} {}\nrows{{half=\"b\"}} {}\n",
                    done / 2,
                    done - done / 2
                )
            } else {
                format!("{{\"import\": {{\"done\": {done}}}}}")
            };
            let length = body.len();
            let _gone = write!(socket, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        }
    });
    for number in 1.. {
        pinger.ping(number).unwrap();
        done.store(number, std::sync::atomic::Ordering::Relaxed);
        std::fs::write(file, format!("started\nrows {number}\n")).unwrap();
        thread::sleep(Duration::from_millis(5));
    }
}
