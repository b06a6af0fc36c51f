//! What a kernel says of its TCP connections: `/proc/PID/net/tcp`, of the network that the process is in.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

/// One socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) local: SocketAddrV4,
    pub(super) remote: SocketAddrV4,
    pub(super) state: State,
    /// Bytes that are sent and not acknowledged.
    pub(super) unacknowledged: u64,
    /// How often it has sent again, in vain so far: of a sound connection never.
    pub(super) sent_again: u64,
    /// Bytes that are received and not read; of a listener: connections that are made and not accepted.
    pub(super) unread: u64,
}

/// The states that tell anything of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Established,
    /// Its SYN is not answered.
    Connecting,
    Listening,
    Other,
}

/// The sockets of the network that a process is in.
pub(super) fn of(pid: u32) -> io::Result<Vec<Socket>> {
    let path = format!("/proc/{pid}/net/tcp");
    let table = fs::read_to_string(&path).map_err(|error| {
        let why = "the engine must run on this machine, which must be Linux";
        io::Error::new(error.kind(), format!("cannot read `{path}` ({error}): {why}"))
    })?;
    Ok(table.lines().skip(1).filter_map(socket).collect())
}

/// `  0: 0B00007F:0947 00000000:0000 0A 00000000:00000000 …`: number, both ends, state, queues, timer, how often sent again, all
/// hexadecimal.
fn socket(line: &str) -> Option<Socket> {
    let mut fields = line.split_whitespace().skip(1);
    let (local, remote) = (end(fields.next()?)?, end(fields.next()?)?);
    let state = match fields.next()? {
        "01" => State::Established,
        "02" => State::Connecting,
        "0A" => State::Listening,
        _ => State::Other,
    };
    let (sent, received) = fields.next()?.split_once(':')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    let sent_again = number(fields.nth(1)?)?;
    Some(Socket {
        local,
        remote,
        state,
        unacknowledged: number(sent)?,
        sent_again,
        unread: number(received)?,
    })
}

/// An address as the machine has it in memory, read as one number.
fn end(text: &str) -> Option<SocketAddrV4> {
    let (ip, port) = text.split_once(':')?;
    let ip = Ipv4Addr::from(u32::from_str_radix(ip, 16).ok()?.to_ne_bytes());
    Some(SocketAddrV4::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// The kernel's own word on a connection with 5 bytes that nobody reads, and on one that nobody accepts.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_lies_in_the_kernel_is_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(addr).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let _waits = TcpStream::connect(addr).unwrap();
        client.write_all(b"hello").unwrap();
        // loopback delivers before the write returns; the peek waits all the same
        server.peek(&mut [0; 5]).unwrap();
        let sockets = of(std::process::id()).unwrap();
        let at = |state, local: &dyn Fn(&Socket) -> bool| {
            let found = sockets.iter().find(|one| one.state == state && local(one));
            found.map(|one| one.unread)
        };
        let to_client = |one: &Socket| std::net::SocketAddr::V4(one.remote) == client.local_addr().unwrap();
        assert_eq!(at(State::Established, &to_client), Some(5));
        assert_eq!(at(State::Listening, &|one| one.local.port() == addr.port()), Some(1));
        server.read_exact(&mut [0; 5]).unwrap();
    }

    #[test]
    fn a_line_that_is_none_is_passed_over() {
        let line =
            "   2: 0100007F:0947 0200007F:A02C 01 0000000A:00000005 01:00000000 00000002     0        0 4711";
        let found = socket(line).unwrap();
        assert_eq!((found.state, found.unacknowledged, found.unread), (State::Established, 10, 5));
        assert_eq!(found.sent_again, 2);
        assert_eq!((found.local.port(), found.remote.port()), (2375, 41004));
        for broken in [
            "",
            "  sl  local_address rem_address",
            "0: 0100007F 0:0 01 0:0",
            "0: x:1 0:0 01 0:0 0:0 0",
            "0: 0:0 0:0 01 0 0:0 0",
            "0: 0:0 0:0 01 0:0 0:0",
        ] {
            assert_eq!(socket(broken), None, "{broken}");
        }
    }
}
