//! When the faults of the plan act, although others carry them out: as Chaos Mesh says, else as the plan has it.

use std::collections::BTreeSet;

use unstuck_record::{Event, Evidence, PlannedFault};

use super::chaos_mesh::{Injection, Told};
use super::since::Since;
use crate::scenario::shorten;

/// So many pods of one injection are named; all are counted.
const NAMED: usize = 100;
/// So many remarks are made: whoever answers for Chaos Mesh may say anything, again and again.
const REMARKS: usize = 200;

/// The faults of the plan, as far as they are known.
#[derive(Debug)]
pub(super) struct Faults {
    planned: Vec<PlannedFault>,
    seen: Vec<Seen>,
    /// Whether somebody tells when they act; else the plan does.
    told: bool,
    /// What was said already of injections and failures that fit no fault of the plan.
    remarked: BTreeSet<String>,
    /// What the metric of evidence has counted, when it changed.
    counted: Vec<(u64, u64)>,
}

/// One fault of the plan.
#[derive(Clone, Debug, Default)]
struct Seen {
    start_ms: Option<u64>,
    end_ms: Option<u64>,
    targets: u64,
    /// The injection that it is, where somebody tells.
    of: Option<(String, usize)>,
}

/// Something to record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct News {
    pub(super) at_ms: u64,
    pub(super) what: Event,
}

impl Faults {
    /// By Chaos Mesh, if it is `told`, else by the plan.
    pub(super) fn new(planned: Vec<PlannedFault>, told: bool) -> Self {
        let seen = vec![Seen::default(); planned.len()];
        Self { planned, seen, told, remarked: BTreeSet::new(), counted: vec![] }
    }

    /// The plan, with what is known of it: real times and pods in the place of those that the case asks for.
    pub(super) fn known(&self) -> Vec<PlannedFault> {
        self.planned.clone()
    }

    /// When the plan has the next fault begin or end; `None` where somebody tells.
    pub(super) fn next_ms(&self) -> Option<u64> {
        let due = self.planned.iter().zip(&self.seen).filter_map(|(fault, seen)| match seen {
            Seen { start_ms: None, .. } => Some(fault.start_ms),
            Seen { end_ms: None, .. } => Some(fault.end_ms),
            _ => None,
        });
        due.min().filter(|_| !self.told)
    }

    /// What the plan has begin or end by now.
    pub(super) fn due(&mut self, now_ms: u64) -> Vec<News> {
        let mut news = vec![];
        while let Some(at_ms) = self.next_ms().filter(|&at_ms| at_ms <= now_ms) {
            // at one time heals come before injections, as in a run
            let heals = |(fault, seen): &(&PlannedFault, &Seen)| {
                seen.start_ms.is_some() && seen.end_ms.is_none() && fault.end_ms == at_ms
            };
            let begins =
                |(fault, seen): &(&PlannedFault, &Seen)| seen.start_ms.is_none() && fault.start_ms == at_ms;
            let each = || self.planned.iter().zip(&self.seen);
            let Some(fault) =
                each().position(|one| heals(&one)).or_else(|| each().position(|one| begins(&one)))
            else {
                break;
            };
            news.push(News { at_ms, what: self.step(fault, at_ms) });
        }
        news
    }

    /// The fault begins, or ends if it has begun.
    fn step(&mut self, fault: usize, at_ms: u64) -> Event {
        let seen = &mut self.seen[fault];
        if seen.start_ms.is_none() {
            seen.start_ms = Some(at_ms);
            return Event::FaultInjected { fault };
        }
        seen.end_ms = Some(at_ms);
        Event::FaultHealed { fault, evidence: self.evidence_of(fault) }
    }

    /// Takes up what Chaos Mesh says. The first look, before anything is recorded, corrects the plan.
    pub(super) fn learn(&mut self, told: &Told, since: Since) -> Vec<News> {
        let mut news = vec![];
        let now_ms = since.ms();
        for injection in &told.injections {
            let over_ms = if injection.one_shot { Some(injection.start_ms) } else { injection.end_ms };
            if over_ms.is_some_and(|over_ms| since.is_before(over_ms)) {
                continue;
            }
            let start_ms = since.of_unix(injection.start_ms);
            let Some(fault) = self.fault_of(injection) else {
                news.extend(self.remark(start_ms, injection, ", which the case does not plan"));
                continue;
            };
            let planned = &mut self.planned[fault];
            let length = planned.end_ms.saturating_sub(planned.start_ms);
            if self.seen[fault].start_ms.is_none() {
                (planned.start_ms, planned.end_ms) = (start_ms, start_ms.saturating_add(length));
                let nodes: Vec<String> = injection.targets.iter().take(NAMED).cloned().collect();
                (planned.links, planned.nodes) = (vec![], nodes.clone());
                self.seen[fault].of = Some(injection.of.clone());
                let moved = Event::FaultMoved { fault, links: vec![], nodes };
                news.push(News { at_ms: start_ms, what: moved });
                news.push(News { at_ms: start_ms, what: self.step(fault, start_ms) });
                let some = injection.targets.len() < injection.chosen;
                let missing = injection.chosen - injection.targets.len();
                let but = if some { format!(", and not on {missing} more") } else { String::new() };
                news.extend(self.remark(start_ms, injection, &but));
            }
            self.seen[fault].targets = injection.targets.len() as u64;
            let end_ms = match injection.end_ms {
                // what nothing recovers is over when the case says
                _ if injection.one_shot => Some(self.planned[fault].end_ms).filter(|&end| end <= now_ms),
                end => end.map(|end| since.of_unix(end)),
            };
            if let (Some(end_ms), None) = (end_ms, self.seen[fault].end_ms) {
                self.planned[fault].end_ms = end_ms;
                news.push(News { at_ms: end_ms, what: self.step(fault, end_ms) });
            }
        }
        news.extend(self.gone(told, now_ms));
        for failure in &told.failures {
            news.extend(self.once(now_ms, format!("Chaos Mesh: {failure}")));
        }
        news
    }

    /// The fault that an injection is: the one that it was at the last look, else the first of its kind that is still to come.
    fn fault_of(&self, injection: &Injection) -> Option<usize> {
        let known = self.seen.iter().position(|seen| seen.of.as_ref() == Some(&injection.of));
        known.or_else(|| {
            let fits = |(fault, seen): (&PlannedFault, &Seen)| {
                let word = fault.kind.split('(').next().unwrap_or_default().trim().replace('-', "_");
                seen.of.is_none() && injection.words.contains(&word.as_str())
            };
            self.planned.iter().zip(&self.seen).position(fits)
        })
    }

    /// An object goes only when what it did is recovered.
    fn gone(&mut self, told: &Told, now_ms: u64) -> Vec<News> {
        let there = |of: &(String, usize)| told.injections.iter().any(|injection| injection.of == *of);
        let gone = |seen: &Seen| seen.end_ms.is_none() && seen.of.as_ref().is_some_and(|of| !there(of));
        let gone: Vec<usize> = (0..self.seen.len()).filter(|&fault| gone(&self.seen[fault])).collect();
        gone.into_iter().map(|fault| News { at_ms: now_ms, what: self.step(fault, now_ms) }).collect()
    }

    fn remark(&mut self, at_ms: u64, injection: &Injection, more: &str) -> Option<News> {
        let targets = shorten(&injection.targets.join(", "));
        let object = shorten(&injection.of.0);
        self.once(at_ms, format!("Chaos Mesh: {object} is in force on {targets}{more}"))
    }

    fn once(&mut self, at_ms: u64, what: String) -> Option<News> {
        let new = self.remarked.len() < REMARKS && self.remarked.insert(what.clone());
        new.then_some(News { at_ms, what: Event::ClusterChanged { what } })
    }

    /// The metric of evidence says so much.
    pub(super) fn count(&mut self, at_ms: u64, value: u64) {
        if self.counted.last().is_none_or(|&(_, last)| last != value) {
            self.counted.push((at_ms, value));
        }
    }

    /// What each fault touched, as far as anybody knows.
    pub(super) fn evidence(&self) -> Vec<Evidence> {
        (0..self.planned.len()).map(|fault| self.evidence_of(fault)).collect()
    }

    fn evidence_of(&self, fault: usize) -> Evidence {
        let Seen { start_ms: Some(start_ms), end_ms, targets, .. } = self.seen[fault] else {
            return Evidence { elsewhere: Some(0), ..Evidence::default() };
        };
        let at = |ms: u64| self.counted.iter().rev().find(|(at_ms, _)| *at_ms <= ms).map(|&(_, value)| value);
        // without a count from before there is nothing to compare with
        let before = at(start_ms);
        let counted = before.zip(at(end_ms.unwrap_or(u64::MAX)));
        let counted = counted.map_or(0, |(before, after)| after.saturating_sub(before));
        Evidence { counted, elsewhere: Some(targets), ..Evidence::default() }
    }

    /// All is over: what has not begun is not needed, if the client has ended, or was never triggered.
    pub(super) fn left(&self, ended: bool) -> Vec<Event> {
        let never = |fault: &usize| self.seen[*fault].start_ms.is_none();
        let left = (0..self.seen.len()).filter(never).filter_map(|fault| match self.planned[fault].trigger {
            Some(_) => Some(Event::FaultNeverTriggered { fault }),
            None => ended.then_some(Event::FaultNotNeeded { fault }),
        });
        left.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::since::Since;

    fn planned(kind: &str, start_ms: u64, end_ms: u64) -> PlannedFault {
        PlannedFault {
            kind: kind.into(),
            links: vec![],
            nodes: vec!["tikv(random)".into()],
            start_ms,
            end_ms,
            trigger: None,
        }
    }

    fn injection(of: &str, words: &'static [&'static str], start_ms: u64, end_ms: Option<u64>) -> Injection {
        let (targets, one_shot) = (vec!["tikv-1".into()], words == ["kill"]);
        Injection { of: (of.into(), 0), words, start_ms, end_ms, one_shot, targets, chosen: 1 }
    }

    fn told(injections: &[Injection]) -> Told {
        Told { injections: injections.to_vec(), failures: vec![] }
    }

    /// Steps of faults, without remarks: when, which, whether it begins.
    fn steps(news: &[News]) -> Vec<(u64, usize, bool)> {
        let step = |news: &News| match news.what {
            Event::FaultInjected { fault } => Some((news.at_ms, fault, true)),
            Event::FaultHealed { fault, .. } => Some((news.at_ms, fault, false)),
            _ => None,
        };
        news.iter().filter_map(step).collect()
    }

    const UNIX_MS: u64 = 1_795_255_200_000;

    /// A client that started a day and a bit ago.
    fn since() -> Since {
        Since::start(Some(UNIX_MS.min(unstuck_net::Clock::start_at_wall().epoch_ms() - 100_000_000))).unwrap()
    }

    #[test]
    fn by_the_plan_faults_begin_and_end_when_they_are_due() {
        let plan = vec![planned("failure", 10, 20), planned("failure", 20, 30), planned("reset", 25, 25)];
        let mut faults = Faults::new(plan, false);
        assert_eq!(faults.next_ms(), Some(10));
        assert_eq!(
            steps(&faults.due(20)),
            [(10, 0, true), (20, 0, false), (20, 1, true)],
            "heals come first"
        );
        assert_eq!(steps(&faults.due(29)), [(25, 2, true), (25, 2, false)]);
        assert_eq!((faults.next_ms(), faults.left(true).len()), (Some(30), 0));
        assert!(
            faults.evidence().iter().all(|evidence| evidence.elsewhere == Some(0) && !evidence.touched())
        );
    }

    #[tokio::test]
    async fn an_injection_is_the_first_of_its_kind_that_is_still_to_come() {
        let since = since();
        let start_ms = UNIX_MS.min(unstuck_net::Clock::start_at_wall().epoch_ms() - 100_000_000);
        let plan = vec![
            planned("failure", 10, 20),
            planned("network_partition(direction:to)", 15, 20),
            planned("failure", 30, 40),
        ];
        let mut faults = Faults::new(plan, true);
        assert_eq!(faults.next_ms(), None, "the plan tells nothing where somebody does");
        let cut = injection("a", &["network_partition"], start_ms + 5_000, None);
        assert_eq!(steps(&faults.learn(&told(std::slice::from_ref(&cut)), since)), [(5_000, 1, true)]);
        let down = injection("b", &["failure"], start_ms + 7_000, Some(start_ms + 9_000));
        let again = injection("c", &["failure"], start_ms + 8_000, None);
        let all = told(&[cut.clone(), down.clone(), again.clone()]);
        assert_eq!(
            steps(&faults.learn(&all, since)),
            [(7_000, 0, true), (9_000, 0, false), (8_000, 2, true)]
        );
        assert_eq!(faults.learn(&all, since), [], "what is known is not told again");
        let evidence: Vec<_> = faults.evidence().iter().map(|evidence| evidence.elsewhere).collect();
        assert_eq!(evidence, [Some(1); 3]);

        let more = injection("d", &["failure"], start_ms + 10_000, None);
        let news = faults.learn(&told(&[cut, down, again, more]), since);
        let [News { what: Event::ClusterChanged { what }, .. }] = &news[..] else { panic!("{news:?}") };
        assert!(what.ends_with("is in force on tikv-1, which the case does not plan"), "{what}");
    }

    #[tokio::test]
    async fn what_was_over_before_the_client_started_is_left_out() {
        let since = since();
        let mut faults = Faults::new(vec![planned("failure", 10, 20), planned("kill", 10, 20)], true);
        let old = injection("a", &["failure"], 1_000, Some(2_000));
        let killed = injection("b", &["kill"], 1_000, None);
        assert_eq!(faults.learn(&told(&[old, killed]), since), []);
        assert_eq!(faults.left(true).len(), 2);
    }

    #[tokio::test]
    async fn a_kill_is_over_when_the_case_says_and_an_object_that_is_gone_has_recovered() {
        let since = since();
        let start_ms = UNIX_MS.min(unstuck_net::Clock::start_at_wall().epoch_ms() - 100_000_000);
        let mut faults = Faults::new(vec![planned("kill", 0, 60_000), planned("failure", 0, 10)], true);
        let kill = injection("a", &["kill"], start_ms + 1_000, None);
        let down = injection("b", &["failure"], start_ms + 2_000, None);
        let news = faults.learn(&told(&[kill.clone(), down]), since);
        assert_eq!(steps(&news), [(1_000, 0, true), (61_000, 0, false), (2_000, 1, true)]);
        let news = steps(&faults.learn(&told(&[kill]), since));
        let [(at_ms, 1, false)] = news[..] else { panic!("{news:?}") };
        assert!(at_ms >= 100_000_000, "by now: {at_ms}");
    }

    #[test]
    fn a_metric_tells_what_it_counted_while_the_fault_was_active() {
        let mut faults = Faults::new(vec![planned("failure", 10, 20), planned("failure", 30, 40)], false);
        for (at_ms, value) in [(5, 3), (15, 4), (20, 9), (25, 9), (29, 50), (39, 50)] {
            faults.count(at_ms, value);
        }
        faults.due(50);
        let counted: Vec<_> = faults.evidence().iter().map(|evidence| evidence.counted).collect();
        assert_eq!(counted, [6, 0]);
        let mut late = Faults::new(vec![planned("failure", 10, 20)], false);
        late.count(15, 1_000);
        late.due(50);
        assert_eq!(late.evidence()[0].counted, 0, "without a count from before nothing is proved");
    }
}
