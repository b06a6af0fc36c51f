//! The words for what goes wrong, with their parameters: `network_partition(direction:to,reject:true)`.
//!
//! What each word does to a link or a node is the mapping's to say, where faults are planned. In reading order: `words` (the
//! table of all), `parameters` (as written), then one file a family: `answers`, `network`, `toxic`.

mod answers;
mod network;
mod parameters;
mod toxic;
mod words;

use std::fmt;
use std::ops::Range;

use fake_tikv::answer::Script;
use unstuck_proxy::Toxic;

use super::diagnostic::{Problem, Severity};
use super::fields::Fields;
use super::node::Node;
use parameters::Parameters;

pub use network::{Luck, Netem, Overtakes, Shape};
pub(crate) use words::ROLLING_RESTART;
pub use words::{Word, words};

/// Which way, seen from the selector's source, as Chaos Mesh has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// What the source sends.
    To,
    /// What the source receives.
    From,
    /// Both.
    #[default]
    Both,
}

/// How they are written.
const DIRECTIONS: [(&str, Direction); 3] =
    [("to", Direction::To), ("from", Direction::From), ("both", Direction::Both)];

/// What becomes, at the heal, of a connection whose peer had stopped reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// It goes on.
    #[default]
    Resume,
    /// FIN.
    Close,
    /// RST.
    Reset,
}

/// A fault type with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultType {
    /// The node's process is gone until the heal.
    Failure,
    /// The node's process is gone; a store's comes back elsewhere at the heal, and its old address hangs for ever.
    Kill,
    /// The node's process stands still until the heal: connections are made, nothing is answered.
    Freeze,
    /// The node's leads move to others, once.
    TransferLeader,
    /// A store joins beside each, once, and takes its share of the regions.
    ScaleOut,
    /// A store is to leave: its regions go elsewhere. At the heal it is gone, if it is empty by then.
    ScaleIn,
    /// Each region that the store leads becomes two, once.
    RegionSplit,
    /// Each region that the store leads becomes one with the next, once.
    RegionMerge,
    /// Silence on live connections, and new ones hang; or, rejecting, RST and refusal.
    NetworkPartition {
        /// Which way.
        direction: Direction,
        /// RST and refuse rather than drop.
        reject: bool,
    },
    /// Silence on connections; new ones are made and stay silent.
    Blackhole {
        /// Which way.
        direction: Direction,
    },
    /// The node stops reading.
    StallRead {
        /// What happens at the heal.
        then: Then,
    },
    /// Live connections are reset, once.
    Reset,
    /// Live connections are closed, once.
    Close,
    /// New connections are refused.
    Refuse,
    /// New connections hang.
    ConnectHang,
    /// The network is bad.
    Network {
        /// The word for it.
        word: &'static str,
        /// Which way.
        direction: Direction,
        /// How bad.
        netem: Box<Netem>,
    },
    /// What a toxic of the link's proxy does.
    Toxic {
        /// The word for it.
        word: &'static str,
        /// Which way.
        direction: Direction,
        /// What; the direction says which streams.
        toxic: Box<Toxic>,
    },
    /// The node's container is paused until the heal: its kernel takes connections and bytes, nothing is answered.
    Pause,
    /// The node's container has no network until the heal.
    NetworkDisconnect,
    /// SYNs to the node's container are lost until the heal.
    SynDrop,
    /// A node answers otherwise than with the truth.
    Answer {
        /// The word for it.
        word: &'static str,
        /// What it answers, and which calls; the node is the selector's.
        script: Box<Script>,
        /// Of a slow disk: which files, where there are files (`unstuck export`).
        path: Option<String>,
    },
}

// shares have passed their checks, so that none is a NaN
impl Eq for FaultType {}

impl FaultType {
    /// Its word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Kill => "kill",
            Self::Freeze => "freeze",
            Self::TransferLeader => "transfer_leader",
            Self::ScaleOut => "scale_out",
            Self::ScaleIn => "scale_in",
            Self::RegionSplit => "region_split",
            Self::RegionMerge => "region_merge",
            Self::NetworkPartition { .. } => "network_partition",
            Self::Blackhole { .. } => "blackhole",
            Self::StallRead { .. } => "stall_read",
            Self::Reset => "reset",
            Self::Close => "close",
            Self::Refuse => "refuse",
            Self::ConnectHang => "connect_hang",
            Self::Pause => "pause",
            Self::NetworkDisconnect => "network_disconnect",
            Self::SynDrop => "syn_drop",
            Self::Answer { word, .. } | Self::Network { word, .. } | Self::Toxic { word, .. } => word,
        }
    }
    /// Whether it acts on nodes rather than on links.
    pub fn on_node(&self) -> bool {
        matches!(self, Self::Failure | Self::Kill | Self::Freeze | Self::ScaleIn | Self::Answer { .. })
            || matches!(self, Self::Pause | Self::NetworkDisconnect | Self::SynDrop)
            || self.is_move()
    }
    /// Whether it changes who leads what, the regions, or which stores there are.
    pub fn is_move(&self) -> bool {
        matches!(self, Self::TransferLeader | Self::ScaleOut) || self.on_regions()
    }
    /// Whether it acts on the regions that a store leads.
    pub fn on_regions(&self) -> bool {
        matches!(self, Self::RegionSplit | Self::RegionMerge)
    }
    /// Whether it is over as soon as it has begun.
    pub fn is_instant(&self) -> bool {
        matches!(self, Self::Reset | Self::Close) || self.is_move()
    }
}

impl fmt::Display for FaultType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The key `direction` of a case, and its place.
pub(crate) fn direction(f: &Fields<'_>, problems: &mut Vec<Problem>) -> Option<(Direction, Range<usize>)> {
    let word = f.word("direction", &DIRECTIONS.map(|(word, _)| word), problems)?;
    let (_, direction) = DIRECTIONS.into_iter().find(|(one, _)| *one == word)?;
    Some((direction, f.key("direction")))
}

/// Reads `word`, `word(k:v,k:v)` or `{word: {k: v}}`; `way` is the case's own `direction`.
pub(crate) fn read(
    node: &Node,
    way: Option<(Direction, Range<usize>)>,
    problems: &mut Vec<Problem>,
) -> Option<FaultType> {
    let (name, name_span, given) = parameters::written(node, problems)?;
    let known = words::known(&name, name_span.clone(), problems)?;
    let before = problems.len();
    if let Some((_, span)) = &way
        && !known.parameters.contains(&"direction")
    {
        let problem = Problem::error(span.clone(), format!("`{}` has no `direction`", known.name));
        problems.push(problem.hint("take it out: it acts on nodes, or on whole connections"));
    }
    let mut of = Parameters { word: known, span: name_span.clone(), given, way, problems };
    of.refuse_unknown();
    let fault = match known.name {
        "failure" | "down" | ROLLING_RESTART => FaultType::Failure,
        "kill" => FaultType::Kill,
        "freeze" => FaultType::Freeze,
        "transfer_leader" | "leader_change" | "pd_leader_change" => FaultType::TransferLeader,
        "scale_out" => FaultType::ScaleOut,
        "scale_in" => FaultType::ScaleIn,
        "region_split" => FaultType::RegionSplit,
        "region_merge" => FaultType::RegionMerge,
        "az_partition" | "zone_partition" => {
            FaultType::NetworkPartition { direction: of.direction(Direction::Both), reject: false }
        }
        "network_partition" => {
            let direction = of.direction(Direction::Both);
            let reject = of.choice("reject", &[("true", true), ("false", false)], false);
            if reject && direction != Direction::Both {
                let problem = Problem::error(name_span, "a rejecting partition has no `direction`");
                of.problems.push(problem.hint("an RST ends both: take out `direction` or `reject`"));
            }
            FaultType::NetworkPartition { direction, reject }
        }
        "blackhole" => FaultType::Blackhole { direction: of.direction(Direction::Both) },
        "stall_read" => {
            let choices = [("resume", Then::Resume), ("close", Then::Close), ("reset", Then::Reset)];
            FaultType::StallRead { then: of.choice("then", &choices, Then::Resume) }
        }
        "reset" => FaultType::Reset,
        "close" => FaultType::Close,
        "refuse" => FaultType::Refuse,
        "connect_hang" => FaultType::ConnectHang,
        "pause" => FaultType::Pause,
        "network_disconnect" => FaultType::NetworkDisconnect,
        "syn_drop" => FaultType::SynDrop,
        word if answers::WORDS.iter().any(|one| one.name == word) => {
            let path = of.find("path").map(|p| p.value);
            FaultType::Answer { word, script: Box::new(answers::read(&mut of)?), path }
        }
        word if word.starts_with("network_") => {
            let direction = of.direction(Direction::Both);
            FaultType::Network { word, direction, netem: Box::new(network::read(&mut of)) }
        }
        word => {
            let (direction, toxic) = toxic::read(&mut of)?;
            FaultType::Toxic { word, direction, toxic: Box::new(toxic) }
        }
    };
    let errors = problems[before..].iter().filter(|problem| problem.severity == Severity::Error);
    (errors.count() == 0).then_some(fault)
}
