//! Connections of the case's network as tonic and hyper want them.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;
use unstuck_net::{Conn, Net};

/// Dials over the case's network: virtual in the sim, real sockets otherwise. For `Endpoint::connect_with_connector` of
/// tonic, and whatever else takes a `tower` service from a URI to a connection.
///
/// It takes addresses, not names: all that the fake cluster tells are addresses.
#[derive(Clone, Debug)]
pub struct Connector(Net);

impl Connector {
    pub(super) fn new(net: Net) -> Self {
        Self(net)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Conn>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Conn>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let net = self.0.clone();
        Box::pin(async move { Ok(TokioIo::new(net.connect(address(&uri)?).await?)) })
    }
}

fn address(uri: &Uri) -> io::Result<SocketAddr> {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    authority.parse().map_err(|_| {
        let said = format!("`{uri}` has no address to dial: give `http://IP:PORT`, names are not looked up");
        io::Error::new(io::ErrorKind::InvalidInput, said)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_from_a_uri_and_a_name_is_refused() {
        let uri = |text: &'static str| address(&Uri::from_static(text));
        assert_eq!(uri("http://127.0.0.1:2379").unwrap(), ([127, 0, 0, 1], 2379).into());
        let said = uri("http://localhost:2379").unwrap_err().to_string();
        assert_eq!(
            said,
            "`http://localhost:2379/` has no address to dial: give `http://IP:PORT`, names are not looked up"
        );
        assert!(uri("/path").is_err());
    }
}
