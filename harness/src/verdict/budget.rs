//! The time limits of a case, all counted from the client's start.

use unstuck_record::Header;

/// The budget: `within`, else the baseline + the time that the faults took, capped at the client's end +
/// `recoveryTime`. `None` without a baseline: then nothing is known of the client without faults.
pub fn budget_ms(header: &Header, ended_ms: Option<u64>) -> Option<u64> {
    let limits = &header.limits;
    limits.within_ms.or_else(|| {
        let baseline = limits.baseline_ms?;
        Some(baseline.saturating_add(faults_ms(header, ended_ms)).saturating_add(limits.recovery_ms))
    })
}

/// When a run that has not ended is given up: after the budget, the budget once more or twice the client's
/// longest timer, whichever is longer.
pub fn give_up_ms(header: &Header) -> Option<u64> {
    let budget = budget_ms(header, None)?;
    Some(budget.saturating_add(budget.max(header.limits.longest_timer_ms.saturating_mul(2))))
}

/// From the first injection to the last heal, or to the client's end if that was sooner.
fn faults_ms(header: &Header, ended_ms: Option<u64>) -> u64 {
    let first = header.plan.iter().map(|fault| fault.start_ms).min().unwrap_or(0);
    let last = header.plan.iter().map(|fault| fault.end_ms).max().unwrap_or(0);
    last.min(ended_ms.unwrap_or(u64::MAX)).saturating_sub(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unstuck_record::builder::{MIN, RunBuilder, touched};

    fn header() -> Header {
        // baseline 10 minutes, recovery 5
        let run = RunBuilder::new("case", "client").link("client", "tikv-1").fault(
            "failure",
            "client->tikv-1",
            MIN,
            61 * MIN,
            touched(),
        );
        run.build().header
    }

    #[test]
    fn the_budget_is_baseline_faults_and_recovery() {
        assert_eq!(budget_ms(&header(), None), Some((10 + 60 + 5) * MIN));
    }

    #[test]
    fn faults_after_the_clients_end_do_not_lengthen_the_budget() {
        assert_eq!(budget_ms(&header(), Some(21 * MIN)), Some((10 + 20 + 5) * MIN));
        assert_eq!(budget_ms(&header(), Some(0)), Some(15 * MIN));
    }

    #[test]
    fn within_replaces_the_budget() {
        let mut header = header();
        header.limits.within_ms = Some(20 * MIN);
        header.limits.baseline_ms = None;
        assert_eq!(budget_ms(&header, None), Some(20 * MIN));
    }

    #[test]
    fn without_a_baseline_there_is_no_budget() {
        let mut header = header();
        header.limits.baseline_ms = None;
        assert_eq!(budget_ms(&header, None), None);
    }

    #[test]
    fn a_run_is_given_up_after_twice_the_budget_or_the_longest_timer_twice() {
        let mut header = header();
        header.limits.longest_timer_ms = 15 * MIN;
        assert_eq!(give_up_ms(&header), Some(150 * MIN));
        header.limits.longest_timer_ms = 60 * MIN;
        assert_eq!(give_up_ms(&header), Some((75 + 120) * MIN));
    }
}
