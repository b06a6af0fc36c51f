//! Who may ask: a program on this machine, but no page of another site in a browser on it.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::Refused;

pub(super) async fn guard(request: Request, next: Next) -> Response {
    match refused(request.headers()) {
        Some(why) => {
            let help = "ask as 127.0.0.1 or localhost, and not from a page of another site";
            Refused::new(StatusCode::FORBIDDEN, why, help).into_response()
        }
        None => next.run(request).await,
    }
}

/// Why a request with these headers is not answered.
fn refused(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    // a name of another site that leads here: the browser believes it is that site's
    let host = text(header::HOST).unwrap_or_default();
    if !is_loopback(&host) {
        return Some(format!("host `{host}` is not this machine's loopback"));
    }
    let origin = text(header::ORIGIN)?;
    if origin.strip_prefix("http://") == Some(host.as_str()) {
        return None;
    }
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
    use axum::http::HeaderValue;

    use super::*;

    fn refusal(host: &str, origin: Option<&str>) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        refused(&headers)
    }

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
        assert!(refused(&HeaderMap::new()).is_some());
    }
}
