//! Real processes that append: one that is killed, two at once. A child is this test program itself.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use unstuck_reports::history::{Appender, History};

use crate::fixture::{Folder, cell, night, part, row};

const FOLDER: &str = "UNSTUCK_TEST_HISTORY";
const PART: &str = "UNSTUCK_TEST_PART";

/// Appends 100 runs and says each when it is there. Only as a child of the tests below.
#[test]
#[ignore = "a child of the other tests"]
fn appends_a_hundred_runs() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let number = std::env::var(PART).unwrap().parse().unwrap();
    let mut appender =
        Appender::begin(History::create(Path::new(&folder)).unwrap(), &night(1), &part(number, 2)).unwrap();
    for run in 0..100 {
        appender.append(&cell(u64::from(number)), &row(run, 1)).unwrap();
        println!("appended {run}");
    }
    appender.end(2, false).unwrap();
}

fn child(folder: &Folder, part: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "children::appends_a_hundred_runs", "--ignored", "--nocapture"])
        .env(FOLDER, &folder.0)
        .env(PART, part.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_killed_writer_loses_at_most_the_run_in_flight() {
    for after in [0, 1, 50, 97] {
        let folder = Folder::new(&format!("killed-{after}"));
        let mut writer = child(&folder, 1);
        let mut said = BufReader::new(writer.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(said.any(|line| line == format!("appended {after}")));
        writer.kill().unwrap();
        writer.wait().unwrap();
        // what it said before it died was in the pipe already
        let told = said.filter(|line| line.starts_with("appended ")).count() + after + 1;
        let window = History::create(&folder.0).unwrap().window(30, None).unwrap();
        let rows = &window.cells[0].nights[0].1;
        assert!(rows.len() == told || rows.len() == told + 1, "{told} were told, {} are there", rows.len());
        assert!(rows.iter().enumerate().all(|(place, row)| row.seed == place as u64), "a gap in {rows:?}");
        assert_eq!(window.nights[0].parts[0].ended_ms, None);
        // and the file takes more
        let mut again = folder.begin(&night(1), &part(1, 2));
        again.append(&cell(1), &row(1000, 1)).unwrap();
    }
}

#[test]
fn two_writers_at_once_both_append_all() {
    let folder = Folder::new("two");
    let writers = [child(&folder, 1), child(&folder, 2)];
    for writer in writers {
        assert!(writer.wait_with_output().unwrap().status.success());
    }
    let window = History::create(&folder.0).unwrap().window(30, None).unwrap();
    let counts: Vec<usize> = window.cells.iter().map(|cell| cell.nights[0].1.len()).collect();
    assert_eq!(counts, [100, 100]);
    assert_eq!(window.nights[0].parts.len(), 2);
    assert!(window.nights[0].parts.iter().all(|part| part.ended_ms == Some(2)));
}
