//! Addresses to listen on, as Toxiproxy reads them and speaks of them: Go's rules and Go's words.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// How long a name may take to resolve.
const PATIENCE: Duration = Duration::from_secs(5);

/// The address that `listen` names, or what is wrong with it. Without a host it is every address of this machine,
/// without a port any free one.
pub(super) async fn resolve(listen: &str) -> Result<SocketAddr, String> {
    if let Ok(addr) = listen.parse() {
        return Ok(addr);
    }
    let (host, port) = if listen.is_empty() { ("", "0") } else { split(listen)? };
    let port = match port.parse() {
        Ok(port) => port,
        Err(_) if port.is_empty() => 0,
        Err(_) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            return Err(format!("address {port}: invalid port"));
        }
        Err(_) => return Err(format!("lookup tcp/{port}: unknown port")),
    };
    if host.is_empty() {
        return Ok(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)));
    }
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(SocketAddr::from((ip, port)));
    }
    let found = match tokio::time::timeout(PATIENCE, tokio::net::lookup_host((host, port))).await {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(_)) => vec![],
        Err(_) => return Err(format!("lookup {host}: i/o timeout")),
    };
    let of_version_4 = found.iter().find(|addr| addr.is_ipv4());
    of_version_4.or(found.first()).copied().ok_or_else(|| format!("lookup {host}: no such host"))
}

/// What an address cannot be had for.
pub(super) fn cannot_listen(at: SocketAddr, error: &io::Error) -> String {
    let what = match error.kind() {
        io::ErrorKind::AddrInUse => "bind: address already in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "bind: cannot assign requested address".to_owned(),
        io::ErrorKind::PermissionDenied => "bind: permission denied".to_owned(),
        _ => {
            let text = error.to_string().to_lowercase();
            text.split(" (os error").next().unwrap_or_default().to_owned()
        }
    };
    format!("listen tcp {at}: {what}")
}

/// Host and port.
fn split(address: &str) -> Result<(&str, &str), String> {
    let wrong = |why: &str| format!("address {address}: {why}");
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or_else(|| wrong("missing ']' in address"))?;
            (host, rest.strip_prefix(':').ok_or_else(|| wrong("missing port in address"))?)
        }
        None => address.rsplit_once(':').ok_or_else(|| wrong("missing port in address"))?,
    };
    if host.contains(':') && !address.starts_with('[') || port.contains(':') {
        return Err(wrong("too many colons in address"));
    }
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_are_read_as_go_reads_them() {
        for (listen, resolved) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("localhost:80", "127.0.0.1:80"),
            (":80", "[::]:80"),
            ("", "[::]:0"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(resolve(listen).await.unwrap().to_string(), resolved, "{listen}");
        }
    }

    #[tokio::test]
    async fn what_is_wrong_with_an_address_is_said_in_gos_words() {
        for (listen, wrong) in [
            ("garbage", "address garbage: missing port in address"),
            ("localhost:99999", "address 99999: invalid port"),
            ("localhost:nosuch", "lookup tcp/nosuch: unknown port"),
            ("a:b:80", "address a:b:80: too many colons in address"),
            ("[::1:80", "address [::1:80: missing ']' in address"),
            ("[::1]80", "address [::1]80: missing port in address"),
            ("nosuchhost.invalid:80", "lookup nosuchhost.invalid: no such host"),
        ] {
            assert_eq!(resolve(listen).await.unwrap_err(), wrong);
        }
    }
}
