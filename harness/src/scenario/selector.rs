//! Where a fault acts: `tikv(random)`, `br_to_all`, `pdleader_to_pdfollower(all)`.
//!
//! ```text
//! selector  = endpoint [ "_to_" endpoint ]
//! endpoint  = component [ "(" qualifier ")" ]
//! component = tikv | pd | br | lightning | raw_kv | txn_kv | client | all | pdleader | pdfollower
//! qualifier = random | all | leader | follower | others | an index from 0 | mode
//! mode      = fixed:N | fixed-percent:P | random-max-percent:P
//! ```

use std::fmt;
use std::ops::Range;

use super::mode::{Many, Mode};
use super::suggest::{did_you_mean, list};

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
const QUALIFIERS: [&str; 7] =
    ["random", "all", "leader", "follower", "others", "fixed:N", "an index (from 0)"];
/// Components of QA's vocabulary for which there is no node or client yet.
pub(crate) const NOT_YET: [&str; 8] =
    ["tidb", "ticdc", "ticdcprocessor", "tiflash", "kafka", "downstream", "minio", "s3"];

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
        _ if is_not_yet(name) => {
            let hint = format!("supported are {}", list(&COMPONENTS));
            return Err(error(name, at, format!("component `{name}` is known but not supported yet"), hint));
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

fn qualifier(text: &str, at: usize) -> Result<Qualifier, SelectorError> {
    Ok(match text {
        "random" => Qualifier::Random,
        "all" => Qualifier::All,
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

/// Whether QA knows this component and we have none yet: `tidb`, `ticdc`, `az1`, …
pub(crate) fn is_not_yet(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let zone =
        name.strip_prefix("az").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    zone || NOT_YET.contains(&name.as_str())
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.component.name();
        match self.qualifier {
            Qualifier::All if !matches!(self.component, Component::Tikv | Component::Pd) => {
                write!(f, "{name}")
            }
            Qualifier::All => write!(f, "{name}(all)"),
            Qualifier::Random => write!(f, "{name}(random)"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn end(component: Component, qualifier: Qualifier) -> Endpoint {
        Endpoint { component, qualifier }
    }

    #[test]
    fn the_selectors_of_the_reports_are_read() {
        assert_eq!(
            Selector::parse("tikv(random)"),
            Ok(Selector::Nodes(end(Component::Tikv, Qualifier::Random)))
        );
        let (br, all) = (end(Component::Br, Qualifier::All), end(Component::All, Qualifier::All));
        assert_eq!(Selector::parse("br_to_all"), Ok(Selector::Links { source: br, target: all }));
    }

    #[test]
    fn aliases_mean_what_they_abbreviate() {
        for (alias, long) in [
            ("pdleader", "pd(leader)"),
            ("pdfollower", "pd(follower)"),
            ("pdfollower(random)", "pd(follower)"),
            ("client_to_pdleader", "client_to_pd(leader)"),
        ] {
            assert_eq!(Selector::parse(alias), Selector::parse(long), "{alias}");
            assert!(Selector::parse(alias).is_ok(), "{alias}");
        }
        let all = Selector::parse("pdfollower(all)").unwrap();
        assert_eq!(all, Selector::Nodes(end(Component::Pd, Qualifier::Follower { all: true })));
    }

    #[test]
    fn a_selector_shows_as_it_can_be_read_again() {
        for text in [
            "tikv(random)",
            "br_to_all",
            "raw_kv_to_all",
            "pdleader_to_pdfollower(all)",
            "lightning_to_tikv(2)",
            "pd(all)",
            "tikv(fixed:2)",
            "pdfollower(fixed-percent:50)",
            "client_to_all(random)",
            "tikv(random-max-percent:60)_to_tikv(others)",
        ] {
            assert_eq!(Selector::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_mode_chooses_among_what_is_named() {
        let read = |text, mode| Selector::in_mode(text, Some(mode)).map(|selector| selector.to_string());
        let two = Mode::Some(Many::Fixed(2));
        for (text, mode, long) in [
            ("tikv", Mode::One, "tikv(random)"),
            ("tikv", Mode::All, "tikv(all)"),
            ("tikv(all)", two, "tikv(fixed:2)"),
            ("pd", two, "pd(fixed:2)"),
            ("pdfollower", Mode::One, "pdfollower(random)"),
            ("pdfollower(all)", two, "pdfollower(fixed:2)"),
            ("all", two, "all(fixed:2)"),
            ("client_to_tikv", two, "client_to_tikv(fixed:2)"),
            ("tikv_to_tikv(others)", two, "tikv(fixed:2)_to_tikv(others)"),
            ("tikv_to_pdleader", Mode::One, "tikv(random)_to_pdleader"),
        ] {
            assert_eq!(read(text, mode), Ok(long.to_owned()), "{text} {mode:?}");
            assert!(Selector::parse(long).is_ok(), "{long}");
        }
        for text in
            ["tikv(random)", "tikv(0)", "pdleader", "tikv(fixed:2)", "client_to_tikv(0)", "tikv_to_pd", "br"]
        {
            assert!(read(text, two).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, part, hint) in [
            ("tkiv(random)", "tkiv", "did you mean `tikv`?"),
            ("tikv(randm)", "randm", "did you mean `random`?"),
            ("tikv(random", "tikv(random", "component(qualifier)"),
            ("br_to_tikv", "tikv", "say which"),
            ("br_to_", "", "tikv"),
            ("tikv(leader)", "leader", "only `pd`"),
            ("pdleader(0)", "0", "one leader"),
            ("br(random)_to_all", "random", "leave it out"),
            ("tidb(ddl-owner)_to_all", "tidb", "supported are"),
            ("az1_to_az2", "az1", "supported are"),
            ("tikv(others)", "tikv(others)", "tikv(0)_to_tikv(others)"),
            ("br_to_client", "br_to_client", "name a node"),
            ("tikv(99999999999)", "99999999999", "count from 0"),
            ("tikv(fixed:0)", "fixed:0", "a number of nodes"),
            ("tikv(fixd:2)", "fixd:2", "did you mean `fixed`?"),
            ("tikv(fixed-percent:101)", "fixed-percent:101", "percentage"),
            ("br(fixed:2)_to_all", "fixed:2", "leave it out"),
            ("pdleader(fixed:1)", "fixed:1", "one leader"),
        ] {
            let e = Selector::parse(text).expect_err(text);
            assert_eq!(&text[e.span.clone()], part, "{text}: {e:?}");
            assert!(e.hint.contains(hint), "{text}: {e:?}");
        }
    }
}
