//! The command line of `fake-tikv`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use clap::{Parser, ValueEnum};
use fake_tikv::{Builder, Cluster, Mode};

/// A TiKV cluster in one process that speaks the real wire protocol. Prints one line of JSON when it is ready, logs to
/// stderr, ends on SIGINT, SIGTERM or `POST /shutdown` of its admin API.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// PD members
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=9))]
    pd: u32,
    /// Stores
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    tikv: u32,
    /// What the stores hold
    #[arg(long, value_enum, default_value_t = Stored::Raw)]
    mode: Stored,
    /// Regions, evenly over the key space
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    regions: u32,
    /// Where regions begin instead, as clients name keys: one region more than keys
    #[arg(long, value_delimiter = ',', value_name = "KEY", conflicts_with = "regions")]
    split_keys: Vec<String>,
    /// The port of the first PD member; the other members follow it, then the stores, then the admin API [default: any free ones]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port_base: Option<u16>,
    /// Decides ids, the order of peers, leaders, elections
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The address that nodes bind; the admin API is always on loopback
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// What PD tells clients instead, with the same ports: required where nodes bind every address. `auto` is the address from
    /// which this machine reaches others, as within a container
    #[arg(long, value_name = "IP|auto", value_parser = told)]
    advertise: Option<Told>,
}

/// What PD tells clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Auto,
    Ip(IpAddr),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Stored {
    /// Raw keys of API V1
    Raw,
    /// The same, with times to live
    RawTtl,
    /// Transactional keys of API V1
    Txn,
    /// API V2: keyspaces, raw and transactional keys
    V2,
}

impl Args {
    /// What cluster is asked for.
    pub(crate) fn cluster(&self) -> Result<Builder, String> {
        let mode = match self.mode {
            Stored::Raw => Mode::Raw,
            Stored::RawTtl => Mode::RawTtl,
            Stored::Txn => Mode::Txn,
            Stored::V2 => Mode::V2,
        };
        let mut builder = Cluster::builder()
            .pd(self.pd)
            .stores(self.tikv)
            .mode(mode)
            .seed(self.seed)
            .listen(self.listen)
            .wall_clock();
        builder = if self.split_keys.is_empty() {
            builder.regions(self.regions)
        } else {
            builder.split_keys(self.split_keys.iter().cloned())
        };
        if let Some(told) = self.advertise {
            builder = builder.advertise(told.ip()?);
        } else if self.listen.is_unspecified() {
            return Err(format!(
                "clients cannot reach `{}`: say with `--advertise IP` what PD is to tell them",
                self.listen
            ));
        }
        if let Some(port) = self.port_base {
            builder = builder.first_port(port);
        }
        Ok(builder)
    }

    /// The port of the admin API; 0 is any.
    pub(crate) fn admin_port(&self) -> Result<u16, String> {
        let Some(first) = self.port_base else { return Ok(0) };
        let port = u32::from(first) + self.pd + self.tikv;
        u16::try_from(port).map_err(|_| {
            let highest = u32::from(u16::MAX) - self.pd - self.tikv;
            format!(
                "`--port-base {first}` leaves no room for {} ports: at most {highest}",
                self.pd + self.tikv + 1
            )
        })
    }
}

// === impl Told ===

impl Told {
    fn ip(self) -> Result<IpAddr, String> {
        match self {
            Self::Ip(ip) => Ok(ip),
            Self::Auto => outward().map_err(|error| {
                format!("`--advertise auto` finds no way to other machines ({error}): give the address")
            }),
        }
    }
}

fn told(text: &str) -> Result<Told, String> {
    if text == "auto" {
        return Ok(Told::Auto);
    }
    text.parse().map(Told::Ip).map_err(|_| "give an IP address, or `auto`".to_owned())
}

/// The address from which the system would send to others. Nothing is sent: 192.0.2.1 is nobody's (RFC 5737).
fn outward() -> io::Result<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
    Ok(socket.local_addr()?.ip())
}
