//! Every gRPC method of kvproto release-8.1: what it is called, how it flows, whether the cluster serves it.
//!
//! * `table`: all of them
//! * `pattern`: some of them, as scripts and filters mean them
//!
//! Methods outside of kvproto (etcd's, the health service) have a name too, but no line here.

mod pattern;
mod table;

use std::fmt;
use std::sync::LazyLock;

pub use self::pattern::{Methods, UnknownMethod};
pub use self::table::METHODS;

/// How messages flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One request, one answer.
    Unary,
    /// Many requests, one answer.
    ClientStream,
    /// One request, many answers.
    ServerStream,
    /// Many of both.
    Bidi,
}

/// One method.
#[derive(Debug, PartialEq, Eq)]
pub struct Method {
    /// The proto package, e.g. `tikvpb`.
    pub package: &'static str,
    /// The service, e.g. `Tikv`.
    pub service: &'static str,
    /// Its own name, e.g. `RawGet`.
    pub name: &'static str,
    /// How messages flow.
    pub kind: Kind,
    /// `None` where it is served, else why not: it answers UNIMPLEMENTED.
    pub missing: Option<&'static str>,
}

/// `tikvpb.Tikv/RawGet`, as on the wire but for the first slash.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}/{}", self.package, self.service, self.name)
    }
}

/// By path, in order: every call looks its own up.
static BY_PATH: LazyLock<Vec<(String, &'static Method)>> = LazyLock::new(|| {
    let mut all: Vec<_> = METHODS.iter().map(|method| (format!("/{method}"), method)).collect();
    all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    all
});

impl Method {
    /// The method of a request's path, e.g. `/tikvpb.Tikv/RawGet`.
    pub fn of_path(path: &str) -> Option<&'static Self> {
        let at = BY_PATH.binary_search_by(|(known, _)| known.as_str().cmp(path)).ok()?;
        Some(BY_PATH[at].1)
    }

    /// Whether the cluster has its service, if not all of it.
    fn has_a_service(&self) -> bool {
        METHODS.iter().any(|one| one.service == self.service && one.missing.is_none())
    }

    /// The method of this name: `RawGet` of the `Tikv` service, in full of another.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        match name.split_once('/') {
            None => METHODS.iter().find(|one| one.name == name && one.service == "Tikv"),
            Some((service, name)) => METHODS
                .iter()
                .find(|one| one.name == name && service.split_once('.') == Some((one.package, one.service))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_is_found_by_its_path_and_by_its_full_name() {
        for method in &METHODS {
            assert!(Method::of_path(&format!("/{method}")).is_some_and(|found| std::ptr::eq(found, method)));
            assert_eq!(method.to_string().parse(), Ok(Methods::One(method)));
        }
        for foreign in ["", "/", "RawGet", "/tikvpb.Tikv", "/tikvpb.Tikv/", "/tikvpb.Tikv/Raw", "/a/b"] {
            assert_eq!(Method::of_path(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_short_name_means_one_method_or_says_which_there_are() {
        assert_eq!("RawGet".parse::<Methods>().unwrap().to_string(), "tikvpb.Tikv/RawGet");
        let error = "Compact".parse::<Methods>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`Compact` is a method of several services; write one of `tikvpb.Tikv/Compact`, \
             `import_sstpb.ImportSST/Compact`"
        );
        let error = "RawGot".parse::<Methods>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no method of kvproto is called `RawGot`; write `RawGet`, `pdpb.PD/Tso`, `tikvpb.Tikv/*` or `*`"
        );
    }

    #[test]
    fn a_pattern_means_what_it_says_and_batches_only_by_name() {
        let tikv: Methods = "tikvpb.Tikv/*".parse().unwrap();
        assert_eq!(tikv.iter().count(), 67);
        let batch: Methods = "BatchCommands".parse().unwrap();
        assert_eq!(batch.iter().count(), 1);
        assert!(Methods::All.mean(None) && !tikv.mean(None));
        for text in ["*", "tikvpb.Tikv/*", "pdpb.PD/Tso"] {
            assert_eq!(text.parse::<Methods>().unwrap().to_string(), text);
        }
    }
}
