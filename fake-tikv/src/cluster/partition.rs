//! Nodes cease to hear each other.

use super::State;
use super::error::MoveError;
use crate::spec::Node;

/// Which packets between nodes are lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// All.
    #[default]
    Both,
    /// Those from the first nodes to the second. Heartbeats are acknowledged, so neither side counts the other as there.
    To,
    /// Those from the second nodes to the first.
    From,
}

impl State {
    /// Between each of these nodes and each of those packets are lost from now on. Returns how many pairs of nodes, which heard
    /// each other before, no longer do.
    pub(crate) fn partition(&mut self, a: &[Node], b: &[Node], lost: Direction) -> Result<usize, MoveError> {
        self.cut(a, b, lost, true)
    }
    /// Between these nodes packets arrive again. Returns how many pairs hear each other again.
    pub(crate) fn heal(&mut self, a: &[Node], b: &[Node], lost: Direction) -> Result<usize, MoveError> {
        self.cut(a, b, lost, false)
    }

    fn cut(&mut self, a: &[Node], b: &[Node], lost: Direction, on: bool) -> Result<usize, MoveError> {
        if let Some(unknown) = a.iter().chain(b).find(|node| !self.nodes.has(**node)) {
            return Err(MoveError::NoNode(*unknown));
        }
        let mut changed = std::collections::BTreeSet::new();
        for from in a {
            for to in b.iter().filter(|to| *to != from) {
                let before = self.nodes.linked(*from, *to);
                let ways = [(lost != Direction::From, (*from, *to)), (lost != Direction::To, (*to, *from))];
                for (_, way) in ways.into_iter().filter(|(lost, _)| *lost) {
                    if on {
                        self.nodes.cuts.insert(way)
                    } else {
                        self.nodes.cuts.remove(&way)
                    };
                }
                if before != self.nodes.linked(*from, *to) {
                    changed.insert((*from.min(to), *from.max(to)));
                }
            }
        }
        let touched: std::collections::BTreeSet<Node> = changed.iter().flat_map(|(a, b)| [*a, *b]).collect();
        if !touched.is_empty() {
            let (names, others) = (names(a), names(b));
            let what = if on { "no longer hear" } else { "hear" };
            self.say(format!("{names} and {others} {what} each other"));
        }
        for node in touched {
            self.regroup(node);
        }
        Ok(changed.len())
    }
}

fn names(nodes: &[Node]) -> String {
    nodes.iter().map(Node::to_string).collect::<Vec<_>>().join(", ")
}
