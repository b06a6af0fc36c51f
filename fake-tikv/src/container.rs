//! The program as an image of testcontainers, which `.ci/image` makes.

use std::borrow::Cow;
use std::net::SocketAddr;

use serde::Deserialize;
use testcontainers::core::{ContainerPort, WaitFor};
use testcontainers::{ContainerAsync, ContainerRequest, Image, ImageExt, TestcontainersError};

/// The port of the first PD member; PD's own.
const FIRST: u16 = 2379;

/// A cluster in a container. It is ready when every node accepts.
///
/// Its nodes are told by the container's own address, which a client on the same machine reaches where the engine runs on Linux;
/// elsewhere see [`FakeTikv::published`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeTikv {
    pd: u16,
    stores: u16,
    /// Ports of the engine's machine, the same as within.
    published: Option<u16>,
    more: Vec<String>,
}

impl Default for FakeTikv {
    /// One PD member, three stores of raw keys.
    fn default() -> Self {
        Self { pd: 1, stores: 3, published: None, more: Vec::new() }
    }
}

impl FakeTikv {
    /// PD members, 1 to 9.
    #[must_use]
    pub fn pd(self, pd: u16) -> Self {
        Self { pd, ..self }
    }
    /// Stores, 1 to 1000.
    #[must_use]
    pub fn stores(self, stores: u16) -> Self {
        Self { stores, ..self }
    }
    /// One more argument of the program: `--mode=txn`.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.more.push(arg.into());
        self
    }
    /// Publishes every node on 127.0.0.1 of the engine's machine, on ports from `first` on, which must be free: PD tells clients
    /// these addresses. For engines in a virtual machine, whose containers have no address here.
    pub fn published(self, first: u16) -> ContainerRequest<Self> {
        let ports = first..first + self.pd + self.stores;
        let image = Self { published: Some(first), ..self };
        ports.fold(image.into(), |request, port| request.with_mapped_port(port, ContainerPort::Tcp(port)))
    }
    /// The PD members of a container, which is all that a client needs.
    pub async fn members(container: &ContainerAsync<Self>) -> Result<Vec<SocketAddr>, TestcontainersError> {
        #[derive(Deserialize)]
        struct Ready {
            pd: Vec<SocketAddr>,
        }
        let said = container.stdout_to_vec().await?;
        let line = said.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let ready: Ready = serde_json::from_slice(line).map_err(TestcontainersError::other)?;
        Ok(ready.pd)
    }
    fn first(&self) -> u16 {
        self.published.unwrap_or(FIRST)
    }
}

impl Image for FakeTikv {
    fn name(&self) -> &'static str {
        "fake-tikv"
    }
    fn tag(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
    fn ready_conditions(&self) -> Vec<WaitFor> {
        // of the line that says where everything listens
        vec![WaitFor::message_on_stdout("\"clusterId\"")]
    }
    fn cmd(&self) -> impl IntoIterator<Item = impl Into<Cow<'_, str>>> {
        let advertise = if self.published.is_some() { "127.0.0.1" } else { "auto" };
        let own = [
            "--listen=0.0.0.0".to_owned(),
            format!("--advertise={advertise}"),
            format!("--port-base={}", self.first()),
            format!("--pd={}", self.pd),
            format!("--tikv={}", self.stores),
        ];
        own.into_iter().chain(self.more.clone())
    }
}
