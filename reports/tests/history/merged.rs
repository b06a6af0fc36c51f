//! What other machines have seen comes together, once.

use unstuck_reports::history::read::Window;
use unstuck_reports::history::{History, Row};

use crate::fixture::{Folder, cell, night, part, row};

/// Three machines with a part each of two nights, every second seed pinned.
fn machines() -> Vec<Folder> {
    let machine = |number: u32| {
        let folder = Folder::new(&format!("machine-{number}"));
        for which in 1..=2 {
            let mut appender = folder.begin(&night(which), &part(number, 3));
            for case in (0..30).filter(|case| cell(*case).is_of(number, 3)) {
                let found = format!("hang at site {}", case % 4);
                appender.append(&cell(case), &Row { found: found.into(), ..row(case, which) }).unwrap();
                appender.pin(&cell(case), case).unwrap();
            }
            appender.end(10, false).unwrap();
        }
        folder
    };
    (1..=3).map(machine).collect()
}

fn told(window: &Window) -> String {
    format!("{window:?}")
}

#[test]
fn the_parts_of_a_night_are_all_of_it_in_any_order_and_twice_is_once() {
    let machines = machines();
    let all = |order: &[usize]| {
        let mut history = History::in_memory().unwrap();
        for machine in order {
            history.merge(&History::open(&machines[*machine].file()).unwrap()).unwrap();
        }
        history
    };
    let once = all(&[0, 1, 2]);
    let window = once.window(30, None).unwrap();
    assert_eq!(window.cells.len(), 30);
    assert!(window.nights.iter().all(|seen| seen.parts.len() == 3));
    for seen in &window.cells {
        let (_, rows) = &seen.nights[1];
        assert_eq!(rows[0].found, format!("hang at site {}", rows[0].seed % 4).into());
        assert_eq!(once.pins(&seen.cell).unwrap(), [rows[0].seed]);
    }
    for order in [&[2, 0, 1][..], &[0, 1, 2, 0, 1, 2], &[1, 1, 0, 2]] {
        assert_eq!(told(&all(order).window(30, None).unwrap()), told(&window), "{order:?}");
    }
}

#[test]
fn a_part_that_has_ended_replaces_the_same_one_while_it_ran_but_not_the_other_way_round() {
    let (early, late) = (Folder::new("early"), Folder::new("late"));
    drop(early.begin(&night(1), &part(1, 1)));
    late.begin(&night(1), &part(1, 1)).end(7, true).unwrap();
    for order in [[&early, &late], [&late, &early]] {
        let mut history = History::in_memory().unwrap();
        for folder in order {
            history.merge(&History::open(&folder.file()).unwrap()).unwrap();
        }
        let seen = &history.window(1, None).unwrap().nights[0].parts[0];
        assert_eq!((seen.ended_ms, seen.interrupted), (Some(7), true));
    }
}
