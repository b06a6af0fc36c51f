//! Real processes that append: one that is killed, many at once. A child is this test program itself.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use unstuck_reports::history::{Appender, History};

use crate::fixture::{Folder, cell, night, part, row};

const FOLDER: &str = "UNSTUCK_TEST_HISTORY";
const PART: &str = "UNSTUCK_TEST_PART";
/// Writers at once.
const WRITERS: u32 = 6;

/// Appends 100 runs and says each when it is there. Only as a child of the tests below.
#[test]
#[ignore = "a child of the other tests"]
fn appends_a_hundred_runs() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let number = std::env::var(PART).unwrap().parse().unwrap();
    println!("ready");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let mut appender =
        Appender::begin(History::create(Path::new(&folder)).unwrap(), &night(1), &part(number, WRITERS))
            .unwrap();
    for run in 0..100 {
        appender.append(&cell(u64::from(number)), &row(run, 1)).unwrap();
        println!("appended {run}");
    }
    appender.end(2, false).unwrap();
}

/// A child that is ready and waits to be let go.
fn child(folder: &Folder, part: u32) -> (Child, impl Iterator<Item = String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "children::appends_a_hundred_runs", "--ignored", "--nocapture"])
        .env(FOLDER, &folder.0)
        .env(PART, part.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line.ends_with("ready")));
    (child, said)
}

fn go(child: &mut Child) {
    writeln!(child.stdin.take().unwrap()).unwrap();
}

#[test]
fn a_killed_writer_loses_at_most_the_run_in_flight() {
    for after in [0, 1, 50, 97] {
        let folder = Folder::new(&format!("killed-{after}"));
        let (mut writer, mut said) = child(&folder, 1);
        go(&mut writer);
        assert!(said.any(|line| line == format!("appended {after}")));
        writer.kill().unwrap();
        writer.wait().unwrap();
        // what it said before it died was in the pipe already
        let told = said.filter(|line| line.starts_with("appended ")).count() + after + 1;
        let window = History::create(&folder.0).unwrap().window(30, None).unwrap();
        let rows = &window.cells[0].nights[0].1;
        assert!(rows.len() == told || rows.len() == told + 1, "{told} were told, {} are there", rows.len());
        assert!(rows.iter().enumerate().all(|(place, row)| row.seed == place as u64), "a gap in {rows:?}");
        // it may have been done before it was hit
        assert!(window.nights[0].parts[0].ended_ms.is_none() || rows.len() == 100);
        // and the file takes more
        let mut again = folder.begin(&night(1), &part(1, WRITERS));
        again.append(&cell(1), &row(1000, 1)).unwrap();
    }
}

/// None finds a file, so that they all make it; then each waits for the others a hundred times.
#[test]
fn writers_at_once_make_one_file_and_append_all() {
    let folder = Folder::new("crowd");
    let mut writers: Vec<_> = (1..=WRITERS).map(|part| child(&folder, part)).collect();
    for (writer, _) in &mut writers {
        go(writer);
    }
    for (mut writer, said) in writers {
        assert_eq!(said.filter(|line| line.starts_with("appended ")).count(), 100);
        assert!(writer.wait().unwrap().success());
    }
    let window = History::create(&folder.0).unwrap().window(30, None).unwrap();
    let counts: Vec<usize> = window.cells.iter().map(|cell| cell.nights[0].1.len()).collect();
    assert_eq!(counts, [100; WRITERS as usize]);
    assert_eq!(window.nights[0].parts.len(), WRITERS as usize);
    assert!(window.nights[0].parts.iter().all(|part| part.ended_ms == Some(2)));
}
