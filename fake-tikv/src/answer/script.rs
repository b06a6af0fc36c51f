//! What a script says: when, and what then.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::methods::Methods;
use crate::spec::Node;

/// Which calls are answered otherwise, and how.
///
/// ```
/// # use fake_tikv::answer::Script;
/// let script: Script = serde_json::from_str(
///     r#"{"when": {"method": "RawGet", "node": "tikv-2", "calls": {"next": 3}},
///         "then": {"regionError": {"kind": "serverIsBusy", "backoffMs": 500}}}"#,
/// )?;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Which calls.
    #[serde(default)]
    pub when: When,
    /// What happens to them.
    pub then: Then,
}

/// Which calls; what is not given matches all.
///
/// A command in a batch is a call of its own. With a region or keys only commands match: calls that name one region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// Of these methods.
    pub method: Methods,
    /// To this node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<Node>,
    /// Of this region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<u64>,
    /// With a key in this range, as the client names keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<Keys>,
    /// Which of those that match so far.
    pub calls: Calls,
}

/// A range of keys, in hex; an empty end is the end of the key space.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// The first key.
    #[serde(with = "hex")]
    pub start: Bytes,
    /// The key behind the last one.
    #[serde(with = "hex")]
    pub end: Bytes,
}

/// Which of the calls that match, counted from 1 since the script was set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Calls {
    /// All of them. Streams that are open when the script is set are met at their next message.
    #[default]
    Every,
    /// This one.
    Nth(u64),
    /// The first so many.
    Next(u64),
    /// One in so many: the call with this number, with twice this number, …
    Each(u64),
    /// So many percent of them, by a draw for each.
    Percent(u8),
}

impl Calls {
    /// Whether it means the call with this number.
    pub(super) fn mean(self, number: u64) -> bool {
        match self {
            Self::Every => true,
            Self::Nth(n) => number == n,
            Self::Next(n) => number <= n,
            Self::Each(n) => number.checked_rem(n) == Some(0),
            Self::Percent(percent) => drawn(number, 100) < u64::from(percent),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn none(ms: &u64) -> bool {
    *ms == 0
}

/// A draw from 0 up to `below`, as good as random and always the same for the same number: the last step of `SplitMix64`.
pub(super) fn drawn(number: u64, below: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % below.max(1)
}

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Then {
    /// It begins so much later, and in a stream each later message is so late. Then it goes on.
    Delay {
        /// Milliseconds.
        ms: u64,
        /// How far each delay departs from that at most, in milliseconds, by a draw of its own.
        #[serde(default, skip_serializing_if = "none")]
        jitter_ms: u64,
    },
    /// Nothing happens until the script is removed, while the connection lives and pings are answered. Then it goes on.
    Silence,
    /// This gRPC status is all the answer.
    Status {
        /// As on the wire: 14 is `UNAVAILABLE`.
        code: u8,
        /// The status message.
        #[serde(default)]
        message: String,
    },
    /// The region refuses. Of calls that name a region: commands of `Tikv`, `ImportSST`, `Backup`.
    RegionError(RegionError),
    /// PD answers with an error in its header and nothing else.
    PdError {
        /// `pdpb.ErrorType`: 1 is `UNKNOWN`, 2 `NOT_BOOTSTRAPPED`.
        r#type: i32,
        /// The error's message.
        #[serde(default)]
        message: String,
    },
    /// It is cut off in the middle.
    Cut {
        /// How far it gets.
        after: After,
        /// How it ends.
        how: How,
    },
}

impl Then {
    /// Lateness.
    pub fn delay(by: Duration) -> Self {
        Self::Delay { ms: by.as_millis() as u64, jitter_ms: 0 }
    }
    /// Divides every time in it by `by`, at least 1.
    pub fn shorten(&mut self, by: u32) {
        match self {
            Self::Delay { ms, jitter_ms } => {
                *ms /= u64::from(by.max(1));
                *jitter_ms /= u64::from(by.max(1));
            }
            Self::RegionError(RegionError::ServerIsBusy { backoff_ms: time, .. }) => {
                *time /= u64::from(by.max(1));
            }
            _ => {}
        }
    }
}

/// How far a call gets before it is cut, counted from its beginning. A cut inside a message leaves a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum After {
    /// So many messages from the client.
    Requests(u64),
    /// So many messages from the node.
    Responses(u64),
    /// So many bytes from the client.
    RequestBytes(u64),
    /// So many bytes from the node.
    ResponseBytes(u64),
}

/// How a call that is cut ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum How {
    /// `RST_STREAM`: this call ends, the connection lives.
    Reset {
        /// HTTP/2's error code: 2 is `INTERNAL_ERROR`, 7 `REFUSED_STREAM`, 8 `CANCEL`.
        code: u32,
    },
    /// The connection is closed, with all its calls.
    Close,
    /// Nothing more comes, for ever: the call stands, its connection lives and answers pings. Over HTTP/1 it is closed.
    Silence,
}

/// Why the region refuses. The rest of the answer is made of what the cluster knows at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum RegionError {
    /// Another peer leads, or nobody.
    NotLeader {
        /// Whom the answer names.
        #[serde(default)]
        leader: Leader,
    },
    /// The store has no peer of the region.
    RegionNotFound,
    /// The key lies elsewhere.
    KeyNotInRegion,
    /// The region has another shape; the answer tells its present one.
    EpochNotMatch,
    /// The store is overloaded.
    ServerIsBusy {
        /// How long the client is to wait; 0: it is not told.
        #[serde(default)]
        backoff_ms: u64,
        /// Why.
        #[serde(default)]
        reason: String,
    },
    /// Proposed under an old term.
    StaleCommand,
    /// Meant for another store.
    StoreNotMatch,
    /// Larger than raft accepts.
    RaftEntryTooLarge {
        /// Bytes.
        #[serde(default)]
        entry_size: u64,
    },
    /// The leader is too new to commit asynchronously.
    MaxTimestampNotSynced,
    /// A read index cannot be given yet.
    ReadIndexNotReady,
    /// The region is being merged.
    ProposalInMergingMode,
    /// The follower's data are too old.
    DataIsNotReady,
    /// The peer has no snapshot yet.
    RegionNotInitialized,
    /// No space is left.
    DiskFull,
    /// The cluster is being restored.
    RecoveryInProgress,
    /// The region is being flashed back.
    FlashbackInProgress,
    /// It is not being flashed back.
    FlashbackNotPrepared,
    /// The peer holds no data.
    IsWitness,
    /// Meant for another peer.
    MismatchPeerId,
    /// The client's buckets are old.
    BucketVersionNotMatch,
    /// Whether it was done is not known; only the message tells.
    Undetermined,
}

/// Whom a `NotLeader` names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Leader {
    /// Nobody: an election is on.
    #[default]
    Nobody,
    /// Whoever leads, this store perhaps.
    Actual,
    /// The next peer of the region on another store, whoever leads.
    Other,
}

/// Why a script cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadScript {
    /// It would never match.
    #[error("`calls` count from 1: `{0}` means none of them")]
    NoCall(&'static str),
    /// An answer that would not be one.
    #[error("status code {0} is no gRPC error; choose from 1 (CANCELLED) to 16 (UNAUTHENTICATED)")]
    NoStatus(u8),
    /// The same, of PD.
    #[error("`type` {0} is no error of PD; choose from 1 (UNKNOWN) to 11 (DATA_COMPACTED)")]
    NoPdError(i32),
    /// The methods cannot give that answer.
    #[error("`{methods}` cannot answer with a {what}; {instead} can")]
    CannotAnswer {
        /// As in the script.
        methods: Methods,
        /// What kind of answer.
        what: &'static str,
        /// Methods that can.
        instead: &'static str,
    },
    /// A message cannot be cut out of a single command.
    #[error("a `cut` acts on whole streams: take out `region` and `keys`")]
    CutOfRegion,
}

/// The services whose calls name a region.
const REGIONAL: [&str; 3] = ["Tikv", "ImportSST", "Backup"];

impl Script {
    /// An answer for every call to a node.
    pub fn every(node: Node, then: Then) -> Self {
        Self { when: When { node: Some(node), ..When::default() }, then }
    }

    /// Whether it acts on commands, which name a region, rather than on calls as they stand on the wire.
    pub(super) fn on_commands(&self) -> bool {
        matches!(self.then, Then::RegionError(_)) || self.when.region.is_some() || self.when.keys.is_some()
    }

    /// Whether it can be set.
    pub fn check(&self) -> Result<(), BadScript> {
        match self.when.calls {
            Calls::Nth(0) => return Err(BadScript::NoCall("nth: 0")),
            Calls::Next(0) => return Err(BadScript::NoCall("next: 0")),
            Calls::Each(0) => return Err(BadScript::NoCall("each: 0")),
            _ => {}
        }
        let methods = self.when.method;
        let of = |services: &[&str]| methods.iter().any(|method| services.contains(&method.service));
        match &self.then {
            Then::Status { code, .. } if !(1..=16).contains(code) => Err(BadScript::NoStatus(*code)),
            Then::PdError { r#type, .. } if !(1..=11).contains(r#type) => Err(BadScript::NoPdError(*r#type)),
            Then::PdError { .. } if !of(&["PD"]) => {
                Err(BadScript::CannotAnswer { methods, what: "PD error", instead: "`pdpb.PD/*`" })
            }
            Then::Cut { .. } if self.on_commands() => Err(BadScript::CutOfRegion),
            _ if self.on_commands() && !of(&REGIONAL) => Err(BadScript::CannotAnswer {
                methods,
                what: "region error, nor name a region",
                instead: "`tikvpb.Tikv/*`, `import_sstpb.ImportSST/*` and `backup.Backup/*`",
            }),
            _ => Ok(()),
        }
    }
}

impl Keys {
    /// Whether it holds a key.
    pub(super) fn contain(&self, key: &[u8]) -> bool {
        key >= &self.start[..] && (self.end.is_empty() || key < &self.end[..])
    }
}

/// Keys as lower-case hex.
mod hex {
    use super::{Bytes, Deserialize, Written};

    pub(super) fn serialize<S: serde::Serializer>(key: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&Written(key))
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(from)?;
        let digits = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            pair.bytes().all(|c| c.is_ascii_hexdigit()).then(|| u8::from_str_radix(pair, 16).ok())?
        };
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(digits).collect();
        bytes.map(Bytes::from).ok_or_else(|| serde::de::Error::custom("a key is written in hex: `6b30`"))
    }
}

struct Written<'a>(&'a Bytes);

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
