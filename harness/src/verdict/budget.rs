//! The time limits of a case, all counted from the client's start.

use unstuck_record::Run;

/// The budget: `within`, else the baseline + the time that the faults took, capped at the client's end +
/// `recoveryTime`. Faults that wait for something count from the moment at which they were injected. `None` without a baseline: then nothing is known of the client without faults.
pub fn budget_ms(run: &Run, ended_ms: Option<u64>) -> Option<u64> {
    let limits = &run.header.limits;
    limits.within_ms.or_else(|| {
        let baseline = limits.baseline_ms?;
        Some(baseline.saturating_add(faults_ms(run, ended_ms)).saturating_add(limits.recovery_ms))
    })
}

/// When a run that has not ended is given up: after the budget, the budget once more or twice the client's
/// longest timer, whichever is longer.
pub fn give_up_ms(run: &Run) -> Option<u64> {
    let budget = budget_ms(run, None)?;
    Some(budget.saturating_add(budget.max(run.header.limits.longest_timer_ms.saturating_mul(2))))
}

/// From the first injection to the last heal, or to the client's end if that was sooner.
fn faults_ms(run: &Run, ended_ms: Option<u64>) -> u64 {
    let due = || (0..run.header.plan.len()).filter_map(|fault| run.due(fault));
    let first = due().map(|due| due.start_ms).min().unwrap_or(0);
    let last = due().map(|due| due.end_ms).max().unwrap_or(0);
    last.min(ended_ms.unwrap_or(u64::MAX)).saturating_sub(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unstuck_record::builder::{MIN, RunBuilder, touched};

    fn run() -> Run {
        // baseline 10 minutes, recovery 5
        let run = RunBuilder::new("case", "client").link("client", "tikv-1").fault(
            "failure",
            "client->tikv-1",
            MIN,
            61 * MIN,
            touched(),
        );
        run.build()
    }

    #[test]
    fn the_budget_is_baseline_faults_and_recovery() {
        assert_eq!(budget_ms(&run(), None), Some((10 + 60 + 5) * MIN));
    }

    #[test]
    fn faults_after_the_clients_end_do_not_lengthen_the_budget() {
        assert_eq!(budget_ms(&run(), Some(21 * MIN)), Some((10 + 20 + 5) * MIN));
        assert_eq!(budget_ms(&run(), Some(0)), Some(15 * MIN));
    }

    #[test]
    fn within_replaces_the_budget() {
        let mut run = run();
        run.header.limits.within_ms = Some(20 * MIN);
        run.header.limits.baseline_ms = None;
        assert_eq!(budget_ms(&run, None), Some(20 * MIN));
    }

    #[test]
    fn without_a_baseline_there_is_no_budget() {
        let mut run = run();
        run.header.limits.baseline_ms = None;
        assert_eq!(budget_ms(&run, None), None);
    }

    #[test]
    fn a_run_is_given_up_after_twice_the_budget_or_the_longest_timer_twice() {
        let mut run = run();
        run.header.limits.longest_timer_ms = 15 * MIN;
        assert_eq!(give_up_ms(&run), Some(150 * MIN));
        run.header.limits.longest_timer_ms = 60 * MIN;
        assert_eq!(give_up_ms(&run), Some((75 + 120) * MIN));
    }

    #[test]
    fn a_fault_that_waited_counts_from_its_injection_and_one_that_waits_in_vain_not_at_all() {
        let run = |fires| {
            let run = RunBuilder::new("case", "client").link("client", "tikv-1");
            run.triggered_fault(("failure", "client->tikv-1"), "progress 40%", 20 * MIN, fires).build()
        };
        assert_eq!(budget_ms(&run(Some(7 * MIN)), None), Some((10 + 20 + 5) * MIN));
        assert_eq!(budget_ms(&run(None), None), Some((10 + 5) * MIN));
    }
}
