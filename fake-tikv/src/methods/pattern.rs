//! Some of the methods, as text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{METHODS, Method};

/// Some of the methods: `*`, `tikvpb.Tikv/*`, `tikvpb.Tikv/RawGet`, or short, `RawGet`, where only one
/// service of the cluster has the name.
///
/// `BatchCommands` carries commands that have names of their own, and is meant only by its own name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Methods {
    /// All of them, those outside of kvproto too.
    #[default]
    All,
    /// Those of one service.
    Service(&'static str, &'static str),
    /// One.
    One(&'static Method),
}

/// Text that means no method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownMethod {
    /// No method or service is called so.
    #[error("no method of kvproto is called `{0}`; write `RawGet`, `pdpb.PD/Tso`, `tikvpb.Tikv/*` or `*`")]
    Nobody(String),
    /// Several are.
    #[error("`{0}` is a method of several services; write one of {1}")]
    Several(String, String),
}

impl Methods {
    /// Whether it means this method; `None` is one outside of kvproto.
    pub fn mean(self, method: Option<&'static Method>) -> bool {
        match (self, method) {
            (Self::All, method) => method.is_none_or(|method| method.name != BATCH),
            (Self::Service(package, service), Some(method)) => {
                method.package == package && method.service == service && method.name != BATCH
            }
            (Self::One(one), Some(method)) => std::ptr::eq(one, method),
            (_, None) => false,
        }
    }
    /// All that it means.
    pub fn iter(self) -> impl Iterator<Item = &'static Method> {
        METHODS.iter().filter(move |method| self.mean(Some(method)))
    }
}

/// The stream of many commands.
const BATCH: &str = "BatchCommands";

impl FromStr for Methods {
    type Err = UnknownMethod;
    fn from_str(text: &str) -> Result<Self, UnknownMethod> {
        let unknown = || UnknownMethod::Nobody(text.chars().take(100).collect());
        if text == "*" {
            return Ok(Self::All);
        }
        let Some((service, name)) = text.trim_start_matches('/').split_once('/') else {
            // what nobody has is no reason to ask which is meant
            let mut all = METHODS.iter().filter(|one| one.name == text && one.has_a_service());
            let first = all.next().or_else(|| METHODS.iter().find(|one| one.name == text));
            let first = first.ok_or_else(unknown)?;
            let others: Vec<_> = all.map(Method::to_string).collect();
            return if others.is_empty() {
                Ok(Self::One(first))
            } else {
                let all = format!("`{first}`, `{}`", others.join("`, `"));
                Err(UnknownMethod::Several(text.to_owned(), all))
            };
        };
        let mut of_service = METHODS
            .iter()
            .filter(|one| service.split_once('.').is_some_and(|(p, s)| one.package == p && one.service == s));
        let found = if name == "*" {
            of_service.next().map(|one| Self::Service(one.package, one.service))
        } else {
            of_service.find(|one| one.name == name).map(Self::One)
        };
        found.ok_or_else(unknown)
    }
}

impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Service(package, service) => write!(f, "{package}.{service}/*"),
            Self::One(method) => method.fmt(f),
        }
    }
}

impl Serialize for Methods {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Methods {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}
