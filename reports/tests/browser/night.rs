//! What the page of a night does in a browser.

use std::path::{Path, PathBuf};

use serde_json::Value;
use unstuck_reports::regression::{Links, Report, Settings, page};

use crate::chromium::Tab;
use crate::nights::{self, Nights};

/// A test with its name, and whether it is run by hand alone.
pub(crate) const TESTS: &[(&str, fn(), bool)] = &[
    ("a_nights_page_asks_for_nothing_and_nothing_complains", asks_for_nothing, false),
    ("what_is_new_stands_above_all_else_of_a_night", new_first, false),
    ("the_cases_of_a_night_are_filtered_by_words", filtered, false),
    ("a_bar_leads_to_its_nights_page", bars, false),
    ("hostile_names_do_nothing_in_the_page_of_a_night", hostile, false),
    ("a_nights_page_does_not_scroll_sideways_on_a_phone", narrow, false),
];

const WIDE: (u32, u32) = (1400, 1000);

/// A page in a file, gone with it.
struct Page(PathBuf);

impl Page {
    fn of(name: &str, nights: &Nights) -> Self {
        let report = Report::of(&nights.window(), &Settings::default()).unwrap();
        let path = std::env::temp_dir().join(format!("unstuck-night-{}-{name}.html", std::process::id()));
        let night = |night: usize| Some(format!("../{night}/index.html"));
        let below = |path: &str| Some(format!("../../{}", path.len()));
        let mut file = std::fs::File::create(&path).unwrap();
        page(&mut file, &report, Links { night: &night, below: &below }).unwrap();
        Self(path)
    }
    fn open(&self, size: (u32, u32), theme: &str) -> Tab {
        Tab::open(self.path(), size, theme)
    }
    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _left_for_the_next_cleaning = std::fs::remove_file(&self.0);
    }
}

fn asks_for_nothing() {
    let page = Page::of("nothing", &nights::all());
    let tab = page.open(WIDE, "dark");
    assert_eq!(tab.js("document.querySelectorAll('.cells .spark').length"), 8, "it is drawn");
    assert_eq!(tab.complaints(), [] as [Value; 0]);
    assert_eq!(tab.requests(), [format!("file://{}", page.path().display())]);
}

fn new_first() {
    let page = Page::of("first", &nights::all());
    let tab = page.open(WIDE, "light");
    let first = tab.js("document.querySelector('section h3').textContent.trim().split(/\\s+/)[0]");
    assert_eq!(first, "breaks_tonight");
    // it is seen without scrolling
    assert_eq!(
        tab.js("document.querySelector('section .item').getBoundingClientRect().bottom < innerHeight"),
        true
    );
    let tiles =
        tab.js("[...document.querySelectorAll('.tile')].every((tile) => document.querySelector(tile.hash))");
    assert_eq!(tiles, true);
}

fn filtered() {
    let page = Page::of("filter", &nights::all());
    let tab = page.open(WIDE, "light");
    let shown = || {
        tab.js("[...document.querySelectorAll('.cells tr[id]')].filter((row) => row.offsetHeight > 0).length")
    };
    let nothing = || tab.js("document.querySelector('.nothing').offsetHeight > 0");
    assert_eq!((shown(), nothing()), (8.into(), false.into()));
    tab.js("document.querySelector('.filter input').focus()");
    tab.press(&["B", "R", "O", "K"]);
    assert_eq!((shown(), nothing()), (1.into(), false.into()));
    tab.press(&["x"]);
    assert_eq!((shown(), nothing()), (0.into(), true.into()));
    assert_eq!(tab.complaints(), [] as [Value; 0]);
}

fn bars() {
    let page = Page::of("bars", &nights::all());
    let tab = page.open(WIDE, "light");
    let links = tab
        .js("[...document.querySelectorAll('.item .spark a')].slice(0, 30).map((bar) => bar.href.baseVal)");
    let links = links.as_array().unwrap();
    assert_eq!(links.len(), 30);
    for (night, link) in links.iter().enumerate() {
        assert!(link.as_str().unwrap().starts_with(&format!("../{night}/index.html#c")), "{link}");
    }
    // newest at the right, and what failed is red
    let bar = "[...document.querySelector('.item .spark').querySelectorAll('a')].at(-1)";
    assert_eq!(tab.js(&format!("{bar}.querySelectorAll('.bad, .mark').length")), 2);
}

fn hostile() {
    let page = Page::of("hostile", &nights::hostile());
    let tab = page.open(WIDE, "light");
    assert_eq!(tab.complaints(), [] as [Value; 0]);
    assert_eq!(tab.js("document.querySelectorAll('main script').length"), 0);
    assert_eq!(
        tab.js("document.querySelector('h3').textContent.includes('<script>alert(1)</script>')"),
        true
    );
    assert_eq!(tab.requests().len(), 1);
}

fn narrow() {
    for nights in [nights::all(), nights::hostile()] {
        let page = Page::of("narrow", &nights);
        let tab = page.open((360, 800), "light");
        let wide = "[...document.querySelectorAll('main > *, main > section > *')].filter((each) => each.scrollWidth > each.clientWidth + 1
            && getComputedStyle(each).overflowX !== 'auto').map((each) => each.className)";
        assert_eq!(tab.js("document.documentElement.scrollWidth"), 360, "{}", tab.js(wide));
    }
}
