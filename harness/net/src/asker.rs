//! Who may ask a control plane that asks nobody who they are: a program on this machine, but no page of another site in
//! a browser on it.

/// Why a request with these headers is not to be answered by a server on loopback; `None` if it is.
///
/// `host` is the `Host` header (empty if there is none), `origin` the `Origin` header.
pub fn refusal(host: &str, origin: Option<&str>) -> Option<String> {
    // a name of another site that leads here: the browser believes it is that site's
    if !is_loopback(host) {
        return Some(format!("host `{host}` is not this machine's loopback"));
    }
    other_site(host, origin)
}

/// Why a request from the page of `origin` is not to be answered by `host`, wherever that listens.
pub fn other_site(host: &str, origin: Option<&str>) -> Option<String> {
    let origin = origin.filter(|origin| origin.strip_prefix("http://") != Some(host))?;
    Some(format!("a page of `{origin}` asks"))
}

/// Whether `host` or `host:port` names loopback.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_on_this_machine_are_answered_and_pages_of_other_sites_are_not() {
        for host in ["127.0.0.1:80", "localhost:8080", "localhost", "[::1]:80", "127.0.0.2"] {
            assert_eq!(refusal(host, None), None, "{host}");
            assert_eq!(refusal(host, Some(&format!("http://{host}"))), None, "{host}");
            for origin in ["http://evil.example", "null", "http://127.0.0.1:81", "https://localhost"] {
                assert!(refusal(host, Some(origin)).is_some(), "{host} {origin}");
            }
        }
        for host in
            ["evil.example", "evil.example:80", "10.0.0.1", "", "127.0.0.1.evil.example", "localhost:x"]
        {
            assert!(refusal(host, None).is_some(), "{host}");
        }
    }

    #[test]
    fn a_server_for_other_machines_answers_any_host_but_no_page_of_another_site() {
        assert_eq!(other_site("proxy:8474", None), None);
        assert_eq!(other_site("proxy:8474", Some("http://proxy:8474")), None);
        assert!(other_site("proxy:8474", Some("http://evil.example")).is_some());
    }
}
