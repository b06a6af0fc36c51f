//! What the revisions of pd/client do differently.

/// What a revision of pd/client does. The default is that of May 2024 (tikv/pd 3e672b2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a change of its own")]
pub struct Behaviour {
    /// The task that serves timestamps goes on when the opening of a stream is given up. Before tikv/pd#3209 (November 2020)
    /// it returned: it looked at the stream's context, which the time limit of the opening ends, in place of its own.
    pub outlives_its_streams: bool,
    /// Only the member that is thought to lead is asked who leads.
    pub asks_the_leader_only: bool,
    /// The first address that was given is the only one that is ever used.
    pub knows_one_member: bool,
    /// A connection is there when it is READY, within 3 s, or not at all (`grpc.WithBlock`, as ticdc has it).
    pub blocking_dial: bool,
    /// A follower is asked to pass on what the leader, who is out of reach, is to answer (`enable-forwarding`).
    pub forwards: bool,
    /// A leader is a leader even if there is no connection to it (since tikv/pd#7443).
    pub follows_the_unreached: bool,
    /// So many tries, a second apart, to reach a first member (pd/client: `maxInitClusterRetries`).
    pub init_retries: u32,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            outlives_its_streams: true,
            asks_the_leader_only: false,
            knows_one_member: false,
            blocking_dial: false,
            forwards: false,
            follows_the_unreached: true,
            init_retries: 100,
        }
    }
}
