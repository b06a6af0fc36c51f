//! Every checker is needed: without it some record is judged otherwise.

use unstuck_record::Run;

use super::super::{CHECKERS, judge, judge_with};
use super::{cases, phases};

#[test]
fn without_any_one_checker_some_case_is_judged_otherwise() {
    let names = ["spin", "livelock", "hang", "progress", "data", "error", "phases", "leak", "no_effect"];
    let needs: [fn() -> Run; 9] = [
        cases::spun,
        cases::retry_storm,
        cases::hung,
        cases::still_busy,
        cases::missing_range,
        cases::gave_up,
        phases::slow_to_resume,
        cases::leaking,
        cases::untouched,
    ];
    assert_eq!(CHECKERS.len(), needs.len());
    for (index, (name, needs)) in names.iter().zip(needs).enumerate() {
        let mut left = CHECKERS.to_vec();
        left.remove(index);
        let run = needs();
        assert_ne!(judge_with(&run, &left), judge(&run), "nothing needs `{name}`");
        // and a run that has nothing wrong with it needs none
        assert_eq!(judge_with(&cases::completed(), &left), judge(&cases::completed()));
    }
}
