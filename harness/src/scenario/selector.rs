//! Where a fault acts: `tikv(random)`, `br_to_all`, `pdleader_to_pdfollower(all)`.
//!
//! ```text
//! selector  = endpoint [ "_to_" endpoint ]
//! endpoint  = component [ "(" qualifier ")" ]
//! component = tikv | pd | br | lightning | raw_kv | txn_kv | client | all | pdleader | pdfollower | az1 | az2 | …
//! qualifier = random | all | each | leader | follower | others | an index from 0 | mode
//! mode      = fixed:N | fixed-percent:P | random-max-percent:P
//! ```

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

use super::mode::{Many, Mode};
use super::refused::{self, Refused};
use super::suggest::did_you_mean;

/// What a selector can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// Stores.
    Tikv,
    /// PD members.
    Pd,
    /// The client under test, if it is br.
    Br,
    /// The client under test, if it is lightning.
    Lightning,
    /// The client under test, if it is `raw_kv`.
    RawKv,
    /// The client under test, if it is `txn_kv`.
    TxnKv,
    /// The client under test, whatever it is.
    Client,
    /// Everything.
    All,
    /// The nodes of a zone, from 1.
    Zone(u32),
}

impl Component {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tikv => "tikv",
            Self::Pd => "pd",
            Self::Br => "br",
            Self::Lightning => "lightning",
            Self::RawKv => "raw_kv",
            Self::TxnKv => "txn_kv",
            Self::Client => "client",
            Self::All => "all",
            Self::Zone(_) => "az",
        }
    }
    /// Whether it names, or may name, the client under test.
    pub fn is_client(self) -> bool {
        self.names_a_client() || self == Self::Client
    }
    /// Whether it names one client and no other.
    pub fn names_a_client(self) -> bool {
        matches!(self, Self::Br | Self::Lightning | Self::RawKv | Self::TxnKv)
    }
}

/// Which of a component's nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Qualifier {
    /// Every one; what is meant when nothing is said.
    All,
    /// One, chosen anew at each injection.
    Random,
    /// One, the next at each injection.
    Each,
    /// The PD member that leads at the injection.
    Leader,
    /// PD members that do not lead: one of them, or every one.
    Follower {
        /// `pdfollower(all)`, or one at random.
        all: bool,
    },
    /// So many, chosen anew at each injection.
    Some(Many),
    /// So many PD members that do not lead.
    SomeFollowers(Many),
    /// All but those that the other endpoint names.
    Others,
    /// One, counted from 0.
    Index(u32),
}

/// One end of a link, or the nodes that a fault acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Of what kind.
    pub component: Component,
    /// Which of them.
    pub qualifier: Qualifier,
}

/// Where a fault acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector {
    /// On nodes.
    Nodes(Endpoint),
    /// On the links between two ends.
    Links {
        /// `br` of `br_to_all`.
        source: Endpoint,
        /// `all` of `br_to_all`.
        target: Endpoint,
    },
}

/// Why a text is not a selector: what, where in the text, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectorError {
    /// In words.
    pub message: String,
    /// Bytes of the text.
    pub span: Range<usize>,
    /// The fix, or the choices.
    pub hint: String,
}

const COMPONENTS: [&str; 10] =
    ["tikv", "pd", "pdleader", "pdfollower", "br", "lightning", "raw_kv", "txn_kv", "client", "all"];
const QUALIFIERS: [&str; 8] =
    ["random", "all", "each", "leader", "follower", "others", "fixed:N", "an index (from 0)"];

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// The first part that is wrong.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        Self::in_mode(text, None)
    }

    /// Reads the selector of a case with this mode. It chooses among the nodes that are named, or among those at the far end
    /// where the client is named first; these need no qualifier then.
    pub(crate) fn in_mode(text: &str, mode: Option<Mode>) -> Result<Self, SelectorError> {
        let chosen = |end: Endpoint, text: &str, at: usize| match mode {
            None => Ok(end),
            Some(mode) => mode.of(end).ok_or_else(|| {
                let message = format!("`mode` chooses, and so does `{text}`");
                error(text, at, message, "write `tikv`, `pd`, `pdfollower(all)` or `all`, or take `mode` out")
            }),
        };
        let Some(at) = text.find("_to_") else {
            let end = chosen(endpoint(text, 0, mode.is_some())?, text, 0)?;
            if end.qualifier == Qualifier::Others {
                return Err(error(
                    text,
                    0,
                    "`others` needs another end to differ from",
                    "`tikv(0)_to_tikv(others)`",
                ));
            }
            return Ok(Self::Nodes(end));
        };
        let mut source = endpoint(&text[..at], 0, mode.is_some())?;
        let links = source.component.is_client() || source.component == Component::All;
        let mut target = endpoint(&text[at + 4..], at + 4, mode.is_some() && links)?;
        if links {
            target = chosen(target, &text[at + 4..], at + 4)?;
        } else {
            source = chosen(source, &text[..at], 0)?;
        }
        if source.qualifier == Qualifier::Others {
            return Err(error(
                &text[..at],
                0,
                "`others` stands at the target only",
                "name the source itself",
            ));
        }
        if target.component.is_client() && source.component.is_client() {
            return Err(error(
                text,
                0,
                "both ends are the client",
                "name a node as the target, as in `br_to_all`",
            ));
        }
        Ok(Self::Links { source, target })
    }

    /// Whether each injection takes the next node.
    pub fn in_turn(&self) -> bool {
        self.endpoints().any(|end| end.qualifier == Qualifier::Each)
    }
    /// The ends that it names: one or two.
    pub fn endpoints(&self) -> impl Iterator<Item = Endpoint> {
        let (first, second) = match *self {
            Self::Nodes(end) => (end, None),
            Self::Links { source, target } => (source, Some(target)),
        };
        std::iter::once(first).chain(second)
    }
}

fn error(text: &str, at: usize, message: impl Into<String>, hint: impl Into<String>) -> SelectorError {
    SelectorError { message: message.into(), span: at..at + text.len(), hint: hint.into() }
}

/// Reads one end, which begins at byte `at` of the selector. Without a qualifier it is all, where a mode chooses among these.
fn endpoint(text: &str, at: usize, in_mode: bool) -> Result<Endpoint, SelectorError> {
    let (name, qualifier) = match text.find('(') {
        None => (text, None),
        Some(open) => match text[open + 1..].strip_suffix(')') {
            Some(inner) => (&text[..open], Some((inner, at + open + 1))),
            None => return Err(error(text, at, "the bracket is not closed", "write `component(qualifier)`")),
        },
    };
    let (component, implied) = component(name, at)?;
    let written =
        qualifier.map(|(inner, at)| self::qualifier(inner, at).map(|q| (q, inner, at))).transpose()?;
    let refuse = |inner: &str, at, hint: &str| {
        Err(error(inner, at, format!("`{inner}` does not go with `{name}`"), hint.to_owned()))
    };
    let qualifier = match (implied, written) {
        (None, None) if component == Component::Tikv && !in_mode => {
            let hint = "say which: `tikv(random)`, `tikv(all)`, `tikv(0)`";
            return Err(error(text, at, "`tikv` does not say which store", hint));
        }
        (None, None) if component == Component::Pd && !in_mode => {
            let hint = "say which: `pd(leader)`, `pd(follower)`, `pd(all)`, `pd(0)`";
            return Err(error(text, at, "`pd` does not say which member", hint));
        }
        (None, None) => Qualifier::All,
        (Some(Qualifier::Follower { .. }), None) if in_mode => Qualifier::Follower { all: true },
        (Some(implied), None) => implied,
        (Some(Qualifier::Follower { .. }), Some((Qualifier::All, ..))) => Qualifier::Follower { all: true },
        (Some(Qualifier::Follower { .. }), Some((Qualifier::Random, ..))) => {
            Qualifier::Follower { all: false }
        }
        (Some(Qualifier::Follower { .. }), Some((Qualifier::Some(many), ..))) => {
            Qualifier::SomeFollowers(many)
        }
        (Some(Qualifier::Follower { .. }), Some((_, inner, at))) => {
            return refuse(inner, at, "`random`, `all` or `fixed:N`");
        }
        (Some(_), Some((_, inner, at))) => return refuse(inner, at, "there is only one leader"),
        (None, Some((q @ (Qualifier::Leader | Qualifier::Follower { .. }), inner, at))) => {
            if component != Component::Pd {
                return refuse(inner, at, "regions have leaders, stores do not: only `pd` has one");
            }
            q
        }
        (None, Some((q, inner, at))) => {
            let many = matches!(component, Component::Tikv | Component::Pd)
                || (component == Component::All && matches!(q, Qualifier::Random | Qualifier::Some(_)));
            if !many && q != Qualifier::All {
                return refuse(inner, at, "leave it out: there is nothing to choose from");
            }
            q
        }
    };
    Ok(Endpoint { component, qualifier })
}

fn component(name: &str, at: usize) -> Result<(Component, Option<Qualifier>), SelectorError> {
    Ok(match name {
        "tikv" => (Component::Tikv, None),
        "pd" => (Component::Pd, None),
        "pdleader" => (Component::Pd, Some(Qualifier::Leader)),
        "pdfollower" => (Component::Pd, Some(Qualifier::Follower { all: false })),
        "br" => (Component::Br, None),
        "lightning" => (Component::Lightning, None),
        "raw_kv" => (Component::RawKv, None),
        "txn_kv" => (Component::TxnKv, None),
        "client" => (Component::Client, None),
        "all" => (Component::All, None),
        _ if let Some(zone) = zone(name) => (Component::Zone(zone), None),
        _ if let Some(Refused { why, instead, .. }) = refused::component(name) => {
            return Err(error(name, at, format!("`{name}` is no node here: {why}"), *instead));
        }
        _ => {
            let message = if name.is_empty() {
                "a component is missing".into()
            } else {
                format!("unknown component `{name}`")
            };
            return Err(error(name, at, message, did_you_mean(name, &COMPONENTS)));
        }
    })
}

/// The number of `az1`, `az2`, …
pub(crate) fn zone(name: &str) -> Option<u32> {
    let number = name.strip_prefix("az")?;
    let plain = number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
    number.parse().ok().filter(|_| plain)
}

fn qualifier(text: &str, at: usize) -> Result<Qualifier, SelectorError> {
    Ok(match text {
        "random" => Qualifier::Random,
        "all" => Qualifier::All,
        "each" => Qualifier::Each,
        "leader" => Qualifier::Leader,
        "follower" => Qualifier::Follower { all: false },
        "others" => Qualifier::Others,
        _ if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => match text.parse() {
            Ok(index) => Qualifier::Index(index),
            Err(_) => return Err(error(text, at, format!("index `{text}` is too large"), "count from 0")),
        },
        _ => match Many::parse(text) {
            Some(Ok(many)) => Qualifier::Some(many),
            Some(Err((message, hint))) => return Err(error(text, at, message, hint)),
            None => {
                let message = format!("unknown qualifier `{text}`");
                return Err(error(text, at, message, did_you_mean(text, &QUALIFIERS)));
            }
        },
    })
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.component.name();
        match self.qualifier {
            _ if let Component::Zone(zone) = self.component => write!(f, "az{zone}"),
            Qualifier::All if !matches!(self.component, Component::Tikv | Component::Pd) => {
                write!(f, "{name}")
            }
            Qualifier::All => write!(f, "{name}(all)"),
            Qualifier::Random => write!(f, "{name}(random)"),
            Qualifier::Each => write!(f, "{name}(each)"),
            Qualifier::Leader => write!(f, "pdleader"),
            Qualifier::Follower { all: true } => write!(f, "pdfollower(all)"),
            Qualifier::Follower { all: false } => write!(f, "pdfollower(random)"),
            Qualifier::Some(many) => write!(f, "{name}({many})"),
            Qualifier::SomeFollowers(many) => write!(f, "pdfollower({many})"),
            Qualifier::Others => write!(f, "{name}(others)"),
            Qualifier::Index(i) => write!(f, "{name}({i})"),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nodes(end) => end.fmt(f),
            Self::Links { source, target } => write!(f, "{source}_to_{target}"),
        }
    }
}
