//! What the client does at each revision, and nothing else.

use std::time::Duration;

/// A version of the client, named by the issue or pull request in which it did what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// With every fix that is known.
    Fixed,
    /// client-go 522 (June 2022), which is tidb 44471 (June 2023) too: before client-go pulls 665 and 833.
    ///
    /// Known: after a store's restart every request ends with `no available connections`, for as long as the client lives
    /// (522); "auto re-connect idle connection when wait connection ready" is the title of pull 833. grpc-go lets a READY
    /// connection that is lost go IDLE, from where only a call or `Connect` leads on. The loop that is to open the
    /// stream anew waits for READY, and while it does nobody calls on that connection.
    Issue522,
    /// tikv 12855 (June 2022), "introduced by client-go pull 503": `report 9005 error when inject one tikv network delay`.
    ///
    /// Known: the delay is 364 ms, 9005 is "region is unavailable", and pull 503 sends nothing to a leader whose store did
    /// not pass the health probe. Inferred: the probe has 1 s for a connection and a call, which are three round trips, so with
    /// 364 ms it never passes, and the only store that leads is never asked. What made the first request fail is not
    /// told. In 2024 client-go still did so; that a leader named by another replica is asked whatever the probe said is
    /// our own fix.
    Pr503,
    /// client-go 1713 (July 2025): `Client recovery fails after TiKV server restart`.
    ///
    /// Known: after a restart of a store, requests fail for good because PD answers `not leader` (`loadStore from PD failed`);
    /// a client that is started then works. Inferred: the member that is asked led when the client began, and the
    /// client does not look for another. Why PD's lead had moved is not told; here it is taken to have moved before.
    Issue1713,
    /// tiflow 3191 (October 2021), before pull 3612: `kv client takes too long time to recover when a TiKV node shutdowns`.
    ///
    /// Known: 23 minutes, "it wastes too much time to retry to establish gRPC connection with the shutdown TiKV store"; pull 3612
    /// decreases the tries to two, the first pause of which is 500 ms. Not told, and taken here: there were ten, 500 ms
    /// apart, and every region found out for itself. The client there follows changes; shown here is how it met a store
    /// that refuses.
    Issue3191,
}

/// What the revisions differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Behaviour {
    /// A connection that has gone IDLE is told to connect when its stream is to be opened anew.
    pub(super) connects_idle: bool,
    /// A leader that another replica names is asked, even if its store did not pass the probe.
    pub(super) asks_named_leader: bool,
    /// PD's leader is looked for again when it fails, or says that it is none.
    pub(super) follows_pd_leader: bool,
    /// How often a store that takes no requests is tried again before the request goes elsewhere, without a probe of the
    /// store, and without a word to other requests. `None`: it is probed, and what is known of its regions looked up anew.
    pub(super) tries_in_place: Option<u32>,
}

/// The pause between two tries in place; source: tiflow pull 3612.
pub(super) const IN_PLACE_PAUSE: Duration = Duration::from_millis(500);

impl Revision {
    /// All of them, the fixed one first.
    pub const ALL: [Self; 5] = [Self::Fixed, Self::Issue522, Self::Pr503, Self::Issue1713, Self::Issue3191];

    /// The name after the `@`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Issue522 => "issue-522",
            Self::Pr503 => "pr-503",
            Self::Issue1713 => "issue-1713",
            Self::Issue3191 => "tiflow-3191",
        }
    }
    /// The revision of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|revision| revision.name() == name)
    }
    pub(super) fn behaviour(self) -> Behaviour {
        Behaviour {
            connects_idle: self != Self::Issue522,
            asks_named_leader: self != Self::Pr503,
            follows_pd_leader: self != Self::Issue1713,
            tries_in_place: (self == Self::Issue3191).then_some(10),
        }
    }
}
