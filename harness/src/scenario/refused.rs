//! The fault types and components of QA's vocabulary that mean nothing here: why, and what to write instead.

/// A word, why it is refused, and what to write instead.
pub(crate) struct Refused {
    pub(crate) word: &'static str,
    pub(crate) why: &'static str,
    pub(crate) instead: &'static str,
}

const fn refused(word: &'static str, why: &'static str, instead: &'static str) -> Refused {
    Refused { word, why, instead }
}

/// Fault types.
pub(crate) const FAULTS: [Refused; 1] = [refused(
    "time_offset",
    "PD's timestamps never go back, and stores ask no clock, so a client sees nothing of it",
    "what a wrong clock does in the end: `pd_leader_change`, or `io_delay` of `pd(leader)`",
)];

const TIDB: &str = "the client under test stands for it";
const CLIENT: &str = "write `client` in its place: `client_to_all`, `client_to_pdleader`; a program is ended by `client.restarts`";
const BEYOND: &str = "the cluster ends at TiKV and PD, so nothing here is on that link";
const BESIDE: &str = "run it with `client.beside` behind `unstuck proxy`, which has the same toxics";

/// Components of selectors, in lower case.
const COMPONENTS: [Refused; 8] = [
    refused("tidb", TIDB, CLIENT),
    refused("ticdc", TIDB, CLIENT),
    refused("ticdcprocessor", TIDB, CLIENT),
    refused(
        "tiflash",
        "there is no TiFlash: clients read from TiKV",
        "write `tikv(random)`, `tikv(all)` or `tikv(0)`",
    ),
    refused("kafka", BEYOND, BESIDE),
    refused("downstream", BEYOND, BESIDE),
    refused("minio", BEYOND, BESIDE),
    refused("s3", BEYOND, BESIDE),
];

/// A component that is refused.
pub(crate) fn component(name: &str) -> Option<&'static Refused> {
    let name = name.to_ascii_lowercase();
    COMPONENTS.iter().find(|refused| refused.word == name)
}
