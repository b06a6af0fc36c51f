//! Files that are not what they should be: each is an error that names the file and what to do.

use std::fs;

use rusqlite::Connection;
use unstuck_reports::history::{FILE_NAME, History};

use crate::fixture::{Folder, cell, night, part, row};

fn filled(name: &str) -> Folder {
    let folder = Folder::new(name);
    let mut appender = folder.begin(&night(1), &part(1, 1));
    for number in 0..200 {
        appender.append(&cell(number), &row(1, 1)).unwrap();
    }
    appender.end(1, false).unwrap();
    folder
}

fn refused(folder: &Folder, why: &str, fix: &str) {
    let error = match History::create(&folder.0) {
        Ok(history) => history.window(30, None).unwrap_err(),
        Err(error) => error,
    };
    let said = error.to_string();
    assert!(said.contains(FILE_NAME) && said.contains(why) && said.contains(fix), "{said}");
}

#[test]
fn a_newer_form_names_itself_and_asks_for_a_newer_build() {
    let folder = filled("newer");
    Connection::open(folder.file()).unwrap().pragma_update(None, "user_version", 7).unwrap();
    refused(&folder, "has the form 7, this build knows 1", "use the build of unstuck that wrote it");
}

#[test]
fn an_older_form_is_told_too() {
    let folder = filled("older");
    Connection::open(folder.file()).unwrap().pragma_update(None, "user_version", 0).unwrap();
    refused(&folder, "has the form 0, older", "move it away");
}

#[test]
fn a_database_of_somebody_else_is_left_alone() {
    let folder = Folder::new("foreign");
    Connection::open(folder.file()).unwrap().execute_batch("CREATE TABLE runs (x)").unwrap();
    refused(&folder, "is a database of something else", "a folder of its own");
    let tables: u32 = Connection::open(folder.file())
        .unwrap()
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn what_is_no_database_is_damaged() {
    let folder = Folder::new("garbage");
    fs::write(folder.file(), "not a database, ".repeat(1000)).unwrap();
    refused(&folder, "is damaged", "put back a copy");
}

#[test]
fn a_file_cut_in_half_is_damaged() {
    let folder = filled("half");
    let whole = fs::read(folder.file()).unwrap();
    fs::write(folder.file(), &whole[..whole.len() / 2]).unwrap();
    refused(&folder, "is damaged", "put back a copy");
}

#[test]
fn a_page_overwritten_in_the_middle_is_damaged() {
    let folder = filled("page");
    let mut whole = fs::read(folder.file()).unwrap();
    let pages = whole.len() / 4096;
    // all but the first, where the tables are listed
    for page in 1..pages {
        whole[page * 4096..page * 4096 + 2048].fill(0xee);
    }
    fs::write(folder.file(), whole).unwrap();
    refused(&folder, "is damaged", "put back a copy");
}

#[test]
fn a_code_that_stands_for_nothing_is_damaged() {
    let folder = filled("code");
    Connection::open(folder.file()).unwrap().execute("UPDATE runs SET outcome = 77", []).unwrap();
    refused(&folder, "is damaged", "put back a copy");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = Folder::new("place");
    fs::write(folder.0.join("file"), "").unwrap();
    let error = History::create(&folder.0.join("file")).unwrap_err().to_string();
    assert!(error.contains("file`"), "{error}");
    let error = History::open(&folder.0.join("nothing.db")).unwrap_err().to_string();
    assert!(error.contains("nothing.db`: there is no such file"), "{error}");
}
