//! The load, and the nodes that it ends at. Plain threads and blocking sockets: nobody's runtime is in the figures.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use socket2::SockRef;
use tokio::time::Instant;

const CHUNK: usize = 256 << 10;
/// Who connect at the same time.
const CONNECTORS: usize = 8;

/// A server that lives as long as the process.
pub(crate) struct Node {
    addr: SocketAddr,
    /// Connections that it keeps, if it is one that does.
    kept: Arc<Mutex<Vec<TcpStream>>>,
}

impl Node {
    /// Reads all, and answers the end with one byte.
    pub(crate) fn sink() -> io::Result<Self> {
        Self::serve(|mut conn, _| {
            let mut space = vec![0; CHUNK];
            while conn.read(&mut space)? > 0 {}
            conn.write_all(&[1])
        })
    }

    /// Answers with what it reads.
    pub(crate) fn echo() -> io::Result<Self> {
        Self::serve(|mut conn, _| {
            let mut space = [0; 64];
            loop {
                let count = conn.read(&mut space)?;
                if count == 0 {
                    return Ok(());
                }
                conn.write_all(&space[..count])?;
            }
        })
    }

    /// Answers one byte with one, and keeps the connection.
    pub(crate) fn host() -> io::Result<Self> {
        Self::serve(|mut conn, kept| {
            conn.read_exact(&mut [0])?;
            conn.write_all(&[1])?;
            kept.lock().expect("nobody panics").push(conn);
            Ok(())
        })
    }

    fn serve(each: fn(TcpStream, &Mutex<Vec<TcpStream>>) -> io::Result<()>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        SockRef::from(&listener).listen(4096)?;
        let addr = listener.local_addr()?;
        let kept = Arc::<Mutex<Vec<TcpStream>>>::default();
        let keeps = Arc::clone(&kept);
        thread::spawn(move || {
            for conn in listener.incoming().flatten() {
                let _a_reset_ends_it = conn.set_nodelay(true);
                let keeps = Arc::clone(&keeps);
                let small = thread::Builder::new().stack_size(64 << 10);
                let _a_thread_that_does_not_start_shows_at_the_client =
                    small.spawn(move || each(conn, &keeps));
            }
        });
        Ok(Self { addr, kept })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Lets go of what it keeps.
    pub(crate) fn forget(&self) {
        self.kept.lock().expect("nobody panics").clear();
    }
}

fn dial(to: SocketAddr) -> io::Result<TcpStream> {
    let conn = TcpStream::connect(to)?;
    conn.set_nodelay(true)?;
    Ok(conn)
}

/// How long it takes until each of so many streams has carried so many bytes, and the node has them.
pub(crate) fn stream(to: SocketAddr, streams: usize, bytes: u64) -> io::Result<Duration> {
    let conns = (0..streams).map(|_| dial(to)).collect::<io::Result<Vec<_>>>()?;
    let start = Instant::now();
    let sends = |mut conn: TcpStream| {
        move || {
            let chunk = vec![7; CHUNK];
            let mut left = bytes;
            while left > 0 {
                let count = left.min(CHUNK as u64);
                conn.write_all(&chunk[..count as usize])?;
                left -= count;
            }
            conn.shutdown(std::net::Shutdown::Write)?;
            // a proxy that knows no half-close may swallow the answer, but ends all the same
            conn.read(&mut [0]).map(drop)
        }
    };
    let threads: Vec<_> = conns.into_iter().map(|conn| thread::spawn(sends(conn))).collect();
    threads.into_iter().try_for_each(|thread| thread.join().expect("a sender does not panic"))?;
    Ok(start.elapsed())
}

/// How long each round trip of 64 bytes takes.
pub(crate) fn ping(to: SocketAddr, count: usize) -> io::Result<Vec<Duration>> {
    let mut conn = dial(to)?;
    let mut bytes = [7; 64];
    let mut trip = || {
        let start = Instant::now();
        conn.write_all(&bytes)?;
        conn.read_exact(&mut bytes)?;
        Ok(start.elapsed())
    };
    for _ in 0..1000 {
        trip()?;
    }
    (0..count).map(|_| trip()).collect()
}

/// How long it takes to connect so often, each with one byte there and back. They end by RST, which leaves no port behind.
pub(crate) fn connect(to: SocketAddr, count: usize) -> io::Result<Duration> {
    let start = Instant::now();
    let connects = move || {
        (0..count / CONNECTORS).try_for_each(|_| {
            let mut conn = dial(to)?;
            SockRef::from(&conn).set_linger(Some(Duration::ZERO))?;
            conn.write_all(&[1])?;
            conn.read_exact(&mut [0])
        })
    };
    let threads: Vec<_> = (0..CONNECTORS).map(|_| thread::spawn(connects)).collect();
    threads.into_iter().try_for_each(|thread| thread.join().expect("a connector does not panic"))?;
    Ok(start.elapsed())
}

/// So many connections that have said one byte and heard one.
pub(crate) fn idle(to: SocketAddr, count: usize) -> io::Result<Vec<TcpStream>> {
    let open = || {
        let mut conn = dial(to)?;
        conn.write_all(&[1])?;
        conn.read_exact(&mut [0])?;
        SockRef::from(&conn).set_linger(Some(Duration::ZERO))?;
        Ok(conn)
    };
    (0..count).map(|_| open()).collect()
}
