//! What the page does in a browser.

use serde_json::{Value, json};

use crate::chromium::Tab;
use crate::fixture;
use crate::pages::{Page, header_alone, hostile, large, largest, passed};

/// A test with its name, and whether it is run by hand alone.
pub(crate) const TESTS: &[(&str, fn(), bool)] = &[
    ("a_page_asks_for_nothing_and_nothing_complains", asks_for_nothing, false),
    ("faults_are_drawn_where_they_acted", faults, false),
    ("curves_end_where_the_record_ends", curves, false),
    ("keys_zoom_and_move_and_show_all_again", keys, false),
    ("the_mouse_zooms_by_dragging_and_by_its_wheel", mouse, false),
    ("a_timeline_is_drawn_when_its_case_is_opened", lazily, false),
    ("the_table_is_filtered_and_leads_to_its_cases", table, false),
    ("hostile_names_do_nothing", hostile_names, false),
    ("numbers_at_their_limits_stop_nothing", limits, false),
    ("a_record_that_was_cut_off_is_told_as_far_as_it_goes", cut_off, false),
    ("the_command_is_copied_by_its_button", copied, false),
    ("the_policy_stops_a_script_that_got_in", policy, false),
    ("the_theme_is_the_systems_until_the_button_is_pressed", theme, false),
    ("whatever_can_be_pressed_has_a_name_and_can_be_reached", reached, false),
    ("text_stands_out_from_its_background", contrast, false),
    ("a_narrow_page_does_not_scroll_sideways", narrow, false),
    ("it_prints", prints, false),
    ("measure_a_hundred_cases_of_a_million_samples", measure, true),
];

const WIDE: (u32, u32) = (1400, 1000);

fn all(name: &str) -> Page {
    Page::of(name, &[passed(), fixture::stuck()], true)
}

fn asks_for_nothing() {
    let page = all("nothing");
    let tab = Tab::open(page.path(), WIDE, "light");
    tab.js("document.querySelectorAll('details').forEach((each) => { each.open = true; })");
    tab.drawn();
    assert_eq!(tab.js("document.querySelectorAll('.drawing .curve').length > 8"), true, "it is drawn");
    assert_eq!(tab.complaints(), [] as [Value; 0]);
    assert_eq!(tab.requests(), [format!("file://{}", page.path().display())]);
}

/// Where the bands of the open timeline stand, as times by their geometry: `[fault, link, state, from, to]`.
const BANDS: &str = "(() => {
    const figure = document.querySelector('.case[open] figure');
    const area = figure.querySelector('.axis .area').getBoundingClientRect();
    const view = figure.dataset.to - figure.dataset.from;
    const time = (x) => Number(figure.dataset.from) + (x - area.left) / area.width * view;
    return [...figure.querySelectorAll('.band')].map((band) => {
        const at = band.getBoundingClientRect();
        return [Number(band.dataset.fault), band.dataset.link, band.classList[1], time(at.left), time(at.right), view / area.width];
    });
})()";

/// The bands are where the record says, to the pixel (a millisecond has no width of its own).
fn faults() {
    let page = Page::of("faults", &[passed()], false);
    let tab = Tab::open(page.path(), WIDE, "light");
    let bands = tab.js(BANDS);
    let bands = bands.as_array().unwrap();
    let told: Vec<(Value, Value, Value)> =
        bands.iter().map(|band| (band[0].clone(), band[1].clone(), band[2].clone())).collect();
    let expected = [(0, "br->tikv-1", "touched"), (2, "br->tikv-1", "planned"), (1, "br->tikv-2", "nothing")];
    assert_eq!(told, expected.map(|(fault, link, state)| (json!(fault), json!(link), json!(state))));
    for (band, (from, to)) in
        bands.iter().zip([(60_000., 120_000.), (560_000., 600_000.), (240_000., 300_000.)])
    {
        let number = |at: usize| band[at].as_f64().unwrap();
        let pixel = number(5);
        // what goes on behind the axis is cut off there
        let to_seen = number(4).min(600_000.);
        assert!((number(3) - from).abs() <= pixel && (to_seen - to).abs() <= pixel, "{band}");
    }
    // the shade of a fault lies behind all lanes, that of one that was not injected nowhere
    let shades = tab.js(
        "(() => { const all = document.querySelector('.plot').getBoundingClientRect().height;
           return [...document.querySelectorAll('.shade')].map((shade) => shade.getBoundingClientRect().height / all); })()",
    );
    let shades = shades.as_array().unwrap();
    assert!(shades.len() == 2 && shades.iter().all(|part| part.as_f64().unwrap() > 0.98), "{shades:?}");
    assert_eq!(tab.complaints(), [] as [Value; 0]);
}

/// What the legend of a lane says.
fn legend(tab: &Tab, lane: &str) -> String {
    let expression =
        format!("document.querySelector('.case[open] .lane.{lane} .legend').innerText.replace(/\\s+/g, ' ')");
    tab.js(&expression).as_str().unwrap().to_owned()
}

fn curves() {
    let page = Page::of("curves", &[fixture::stuck()], false);
    let tab = Tab::open(page.path(), WIDE, "light");
    assert_eq!(legend(&tab, "progress"), "done 60 of 200");
    assert_eq!(legend(&tab, "streams"), "tikv-1 64 tikv-3 62");
    assert_eq!(legend(&tab, "conns"), "tikv-1 2 tikv-3 2");
    // the budget and the fault-free run are marked at their times
    let marks = tab.js("[...document.querySelectorAll('line.mark')].map((mark) => mark.dataset.mark + ' ' + mark.dataset.at)");
    let (_, judgement) = fixture::stuck();
    assert_eq!(marks, json!(["baseline 960000", format!("budget {}", judgement.budget_ms), "ended 9720000"]));
    // the crosshair tells the past: at 10m20s 22 units were done
    tab.js("document.querySelector('.plot').focus()");
    tab.press(&["Home"]);
    assert_eq!(legend(&tab, "progress"), "done 0 of 200");
    tab.press(&["+"; 3]);
    tab.press(&["ArrowRight"; 51]);
    let at: f64 = tab
        .js("document.querySelector('.rows .here') && Number(document.querySelector('figure').dataset.to)")
        .as_f64()
        .unwrap();
    assert!((at - 1_215_000.).abs() < 2., "an eighth of the run is in view: {at}");
    // 51 hundredths of it are 10m19s
    assert_eq!(legend(&tab, "progress"), "done 21 of 200");
    let said = tab.js("document.querySelector('[aria-live]').textContent");
    assert!(
        said.as_str().unwrap().starts_with("at 10m19s: failure on lightning->tikv-2, progress done 21"),
        "{said}"
    );
}

/// The part of the run that is in view, in milliseconds.
fn view(tab: &Tab) -> (f64, f64) {
    let view = tab.js("(() => { const { from, to } = document.querySelector('.case[open] figure').dataset; return [Number(from), Number(to)]; })()");
    (view[0].as_f64().unwrap(), view[1].as_f64().unwrap())
}

fn keys() {
    let page = Page::of("keys", &[fixture::stuck()], false);
    let tab = Tab::open(page.path(), WIDE, "light");
    let all = view(&tab);
    assert_eq!(all, (0., 9_720_000.));
    // the timeline is reached by Tab alone
    let focused = || tab.js("document.activeElement.classList.contains('plot')") == true;
    for _ in 0..40 {
        if focused() {
            break;
        }
        tab.press(&["Tab"]);
    }
    assert!(focused(), "the timeline is in the order of Tab");
    tab.press(&["+", "+"]);
    let near = view(&tab);
    assert!((near.1 - near.0 - all.1 / 4.).abs() < 2., "{near:?}");
    let band = || tab.js(BANDS)[0][4].as_f64().unwrap();
    assert!((band() - 3_660_000.).abs() < near.1 / 500., "the fault ends where it did: {}", band());
    tab.press(&["PageDown"]);
    assert!(view(&tab).0 > near.0, "{:?}", view(&tab));
    tab.press(&["-"]);
    assert!((view(&tab).1 - view(&tab).0 - all.1 / 2.).abs() < 2.);
    // the crosshair takes the view along
    tab.press(&["End"]);
    assert!((view(&tab).1 - all.1).abs() < 2., "{:?}", view(&tab));
    tab.press(&["0"]);
    assert_eq!(view(&tab), all);
    assert_eq!(tab.complaints(), [] as [Value; 0]);
}

fn mouse() {
    let page = Page::of("mouse", &[fixture::stuck()], false);
    let tab = Tab::open(page.path(), WIDE, "light");
    tab.js("document.querySelector('.plot').scrollIntoView({ block: 'center' })");
    tab.drawn();
    let area = tab.js(
        "(() => { const { left, width, top } = document.querySelector('.progress .area').getBoundingClientRect(); return [left, width, top]; })()",
    );
    let (left, width, y) =
        (area[0].as_f64().unwrap(), area[1].as_f64().unwrap(), area[2].as_f64().unwrap() + 20.);
    let (from, to) = (left + width / 4., left + width / 2.);
    let pressed = json!({"button": "left", "buttons": 1, "clickCount": 1});
    tab.mouse("mouseMoved", from, y, &json!({}));
    tab.mouse("mousePressed", from, y, &pressed);
    tab.mouse("mouseMoved", to, y, &pressed);
    tab.mouse("mouseReleased", to, y, &json!({"button": "left", "clickCount": 1}));
    tab.drawn();
    let (start, end) = view(&tab);
    let pixel = 9_720_000. / width;
    assert!(
        (start - 2_430_000.).abs() < 2. * pixel && (end - 4_860_000.).abs() < 2. * pixel,
        "{start} to {end}"
    );
    // a wheel belongs to the page until Ctrl is held, or the timeline has the focus
    tab.js("document.activeElement.blur()");
    tab.mouse("mouseWheel", from, y, &json!({"deltaX": 0, "deltaY": -1}));
    tab.drawn();
    assert_eq!(view(&tab), (start, end));
    tab.mouse("mouseWheel", from, y, &json!({"deltaX": 0, "deltaY": -200, "modifiers": 2}));
    tab.drawn();
    let (nearer, _) = view(&tab);
    assert!(nearer > start, "{nearer}");
    tab.js("document.querySelector('[aria-label=\"show all\"]').click()");
    tab.drawn();
    assert_eq!(view(&tab), (0., 9_720_000.));
    assert_eq!(tab.complaints(), [] as [Value; 0]);
}

fn lazily() {
    let page = all("lazily");
    let tab = Tab::open(page.path(), WIDE, "light");
    let drawn = || tab.js("document.querySelectorAll('.drawing').length");
    assert_eq!(drawn(), 1, "the first that failed is open");
    tab.js("document.querySelector('.cases a[href=\"#case-4\"]').click()");
    tab.drawn();
    assert_eq!(drawn(), 2);
    assert_eq!(tab.js("document.activeElement.closest('details').id"), "case-4");
}

fn table() {
    let page = all("table");
    let tab = Tab::open(page.path(), WIDE, "light");
    let rows = || {
        let rows = tab.js("[...document.querySelectorAll('.cases tbody tr')].filter((row) => !row.hidden).map((row) => row.cells[1].innerText)");
        rows.as_array().unwrap().iter().map(|row| row.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rows(), ["tikv_failure", "broken", "late", "br_partition"], "those that need somebody first");
    tab.js("document.querySelector('[data-show=pass]').click()");
    assert_eq!(rows(), ["br_partition"]);
    tab.js(
        "document.querySelector('[data-show=all]').click(); document.querySelector('.filters input').focus()",
    );
    tab.call("Input.insertText", json!({"text": "port BR@"}));
    assert_eq!(rows(), ["broken"], "all words must be there");
}

/// What tries to be more than text.
const EVIL: &str = "</script><script>pwned=1</script><img src=x onerror=pwned=1>\"'><svg onload=pwned=1>`${pwned=1}`\
                    <!--<script>]]>\u{1b}[31m\u{1b}]8;;http://evil.example\u{7}\u{202e}gnp.exe\u{2066}\u{200b}\u{0}\u{2028}&lt;b&gt; \
                    javascript:pwned=1 {{pwned=1}}->->";

/// Neither such a text, nor a megabyte of it, in any place of a record where somebody else has the word.
fn hostile_names() {
    let long = EVIL.repeat((1 << 20) / EVIL.len());
    let page = Page::of("hostile", &[hostile(EVIL), hostile(&long), passed()], false);
    let size = page.path().metadata().unwrap().len();
    assert!(size < 1 << 20, "a name of a megabyte makes a page of {size} bytes");
    let tab = Tab::open(page.path(), WIDE, "light");
    tab.js("document.querySelectorAll('details').forEach((each) => { each.open = true; })");
    tab.drawn();
    // over the bands and the log too, which show names when they are pointed at
    tab.js("document.querySelectorAll('.plot').forEach((plot) => plot.focus())");
    tab.press(&["Home", "+", "ArrowRight", "End", "0"]);
    assert_eq!(tab.js("typeof pwned"), "undefined");
    assert_eq!(tab.js("document.querySelectorAll('img, iframe, object, a[href*=javascript], [onerror], [onload]').length"), 0);
    // ours: the theme, the drawing, the timeline, the page; and a block of data a case
    assert_eq!(tab.js("document.querySelectorAll('script:not([type])').length"), 4);
    assert_eq!(tab.js("document.querySelectorAll('script[type]').length"), 3);
    let shown = tab.js("document.querySelector('#case-1 h2').textContent");
    assert!(shown.as_str().unwrap().starts_with("</script><script>pwned=1</script><img src=x"), "{shown}");
    // what would move, hide or colour text is shown by its code, everywhere
    let hidden = "document.documentElement.outerHTML.match(/[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff]/g)";
    assert_eq!(tab.js(hidden), Value::Null);
    assert_eq!(tab.js("document.documentElement.scrollWidth"), WIDE.0);
    assert_eq!(tab.complaints(), [] as [Value; 0]);
    assert_eq!(tab.requests().len(), 1);
}

/// Times and counters as large as a record can hold, and a zoom as deep as it goes: nothing hangs.
fn limits() {
    let page = Page::of("limits", &[largest()], false);
    let tab = Tab::open(page.path(), WIDE, "light");
    assert_eq!(legend(&tab, "progress"), "done 18,446,744,073,709,552,000 of 18,446,744,073,709,552,000");
    tab.js("document.querySelector('.plot').focus()");
    tab.press(&["End"]);
    tab.press(&["+"; 70]);
    let (from, to) = view(&tab);
    assert!(to > from, "{from} to {to}");
    tab.press(&["0"]);
    assert_eq!(tab.complaints(), [] as [Value; 0]);
}

/// Of a run that was killed there may be a header and nothing more.
fn cut_off() {
    let page = Page::of("cut-off", &[header_alone()], false);
    let tab = Tab::open(page.path(), WIDE, "light");
    tab.js("document.querySelector('details.case').open = true");
    tab.drawn();
    let shown = tab.js("document.querySelector('.case').innerText.replace(/\\s+/g, ' ')");
    let shown = shown.as_str().unwrap();
    for words in
        ["unknown", "no faults", "none seen", "nothing to report", "no task dump was taken", "unstuck run"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert_eq!(tab.complaints(), [] as [Value; 0]);
}

fn copied() {
    let page = Page::of("copied", &[passed()], false);
    let tab = Tab::open(page.path(), WIDE, "light");
    let told = tab.js("document.querySelector('.command code').textContent");
    let at = tab.js(
        "(() => { const copy = document.querySelector('.copy'); copy.scrollIntoView({ block: 'center' });
           const { left, top, width, height } = copy.getBoundingClientRect(); return [left + width / 2, top + height / 2]; })()",
    );
    let (x, y) = (at[0].as_f64().unwrap(), at[1].as_f64().unwrap());
    let button = json!({"button": "left", "buttons": 1, "clickCount": 1});
    tab.mouse("mousePressed", x, y, &button);
    tab.mouse("mouseReleased", x, y, &button);
    // it says what came of it once the clipboard has answered
    let said = tab.js(
        "new Promise((done) => { const copy = document.querySelector('.copy');
           const look = () => copy.textContent === 'copy' ? requestAnimationFrame(look) : done(copy.textContent); look(); })",
    );
    assert!(said == "copied" || said == "selected", "{said}");
    assert_eq!(tab.js("getSelection().toString()"), told);
}

/// Beneath the escaping lies the policy: even a script and a style that are in the page do nothing.
fn policy() {
    let page = Page::of("policy", &[passed()], false);
    let text = std::fs::read_to_string(page.path()).unwrap();
    let broken_into = "<script>pwned=1</script><img src=x onerror=pwned=1><style>h1{display:none}</style>";
    std::fs::write(page.path(), text.replace("</main>", &format!("{broken_into}</main>"))).unwrap();
    let tab = Tab::open(page.path(), WIDE, "light");
    assert_eq!(tab.js("typeof pwned"), "undefined");
    assert_eq!(tab.js("getComputedStyle(document.querySelector('h1')).display"), "block");
    assert_eq!(tab.js("(() => { try { document.body.innerHTML = '<p>'; return 'set'; } catch (error) { return error.name; } })()"), "TypeError");
    let stopped = tab.events("Network.loadingFailed");
    let stopped = stopped.iter().filter(|event| event["blockedReason"] == "csp").count();
    assert_eq!(
        (tab.requests().len(), stopped),
        (2, 1),
        "the page itself, and the image, which was not fetched"
    );
    let complaints = tab.complaints();
    assert!(complaints.len() >= 3, "the browser tells of each: {complaints:?}");
}

fn theme() {
    let page = Page::of("theme", &[passed()], false);
    let dark = |tab: &Tab| {
        tab.js("(() => { const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g); return Number(r) + Number(g) + Number(b) < 380; })()") == true
    };
    for (system, at_first, other) in [("light", false, "dark"), ("dark", true, "light")] {
        let tab = Tab::open(page.path(), WIDE, system);
        assert_eq!(dark(&tab), at_first, "{system}");
        tab.js("document.querySelector('.theme').click()");
        assert_eq!(dark(&tab), !at_first);
        let kept = || tab.js("localStorage.getItem('unstuck-theme')");
        assert_eq!(kept(), other);
        tab.js("document.querySelector('.theme').click()");
        assert_eq!((dark(&tab), kept()), (at_first, json!(system)));
        // what was kept counts from the start; it is put there again, since a browser writes it down in its own time
        tab.reload_after(&format!("localStorage.setItem('unstuck-theme', '{other}')"));
        assert_eq!(dark(&tab), !at_first);
    }
}

fn reached() {
    let page = all("reached");
    let tab = Tab::open(page.path(), WIDE, "light");
    let nodes = tab.call("Accessibility.getFullAXTree", json!({}));
    let roles = ["button", "link", "searchbox", "application", "DisclosureTriangle", "list"];
    let mut seen = 0;
    for node in nodes["nodes"].as_array().unwrap() {
        let focusable = node["properties"].as_array().is_some_and(|all| {
            all.iter().any(|one| one["name"] == "focusable" && one["value"]["value"] == true)
        });
        if focusable && roles.iter().any(|role| node["role"]["value"] == *role) {
            assert!(node["name"]["value"].as_str().is_some_and(|name| !name.trim().is_empty()), "{node}");
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen} things can be pressed");
    // nothing is out of the order of Tab, and whatever has the focus shows it
    assert_eq!(tab.js("document.querySelectorAll('[tabindex=\"-1\"]').length"), 0);
    tab.press(&["Tab"]);
    for _ in 0..20 {
        tab.press(&["Tab"]);
        let outline = tab.js("getComputedStyle(document.activeElement).outlineStyle + ' ' + document.activeElement.outerHTML.slice(0, 80)");
        assert!(outline.as_str().unwrap().starts_with("solid"), "{outline}");
    }
}

/// 4.5 to 1, which is what WCAG 2.2 asks of text (AA); in both themes, with everything open.
fn contrast() {
    const TOO_FAINT: &str = "(() => {
        document.querySelectorAll('details').forEach((each) => { each.open = true; });
        const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
        const colour = (text) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
            const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
        const light = (rgb) => { const [r, g, b] = rgb.map((c) => { c /= 255; return c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4; });
            return .2126 * r + .7152 * g + .0722 * b; };
        const behind = (element) => { for (let at = element; at; at = at.parentElement) {
            const [r, g, b, a] = colour(getComputedStyle(at).backgroundColor); if (a > .99) return [r, g, b]; } return [255, 255, 255]; };
        const faint = []; let looked = 0;
        for (const element of document.querySelectorAll('body *')) {
            const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
            if (!own || element.closest('script, :disabled, .label.touched, text.flag') || !element.getClientRects().length) continue;
            const style = getComputedStyle(element);
            const ink = element instanceof SVGElement ? style.fill : style.color;
            const [a, b] = [light(colour(ink).slice(0, 3)), light(behind(element))];
            const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
            looked++;
            if (ratio < 4.5) faint.push(ratio.toFixed(2) + ' ' + element.outerHTML.slice(0, 120));
        }
        return [looked, faint];
    })()";
    let page = all("contrast");
    for theme in ["light", "dark"] {
        let tab = Tab::open(page.path(), WIDE, theme);
        let found = tab.js(TOO_FAINT);
        assert!(found[0].as_u64().unwrap() > 150, "{found}");
        assert_eq!(found[1], json!([]), "{theme}");
    }
}

fn narrow() {
    let page = all("narrow");
    let tab = Tab::open(page.path(), (400, 800), "light");
    tab.js("document.querySelectorAll('details').forEach((each) => { each.open = true; })");
    tab.drawn();
    assert_eq!(tab.js("document.documentElement.scrollWidth"), 400);
    // the lanes have the width that there is
    assert_eq!(tab.js("document.querySelector('.case[open] .progress .area').offsetWidth > 300"), true);
    assert_eq!(tab.js("document.querySelectorAll('.case[open] .band').length > 0"), true);
}

fn prints() {
    let page = all("prints");
    let tab = Tab::open(page.path(), WIDE, "dark");
    let before = tab.js("document.querySelector('.drawing').getAttribute('width')");
    tab.js("addEventListener('beforeprint', () => { printed = document.querySelector('.drawing').getAttribute('width'); })");
    let pdf = tab.call("Page.printToPDF", json!({}));
    assert!(pdf["data"].as_str().unwrap().starts_with("JVBERi0"), "a PDF in base64");
    let paper: f64 = tab.js("Number(printed)").as_f64().unwrap();
    assert!(paper > 600. && paper < 700., "it is drawn again as wide as the paper: {paper}");
    assert_eq!(tab.js("document.querySelector('.drawing').getAttribute('width')"), before);
    assert_eq!(tab.complaints(), [] as [Value; 0]);
}

/// Run by hand: `cargo test -p unstuck-reports --test browser -- --ignored --nocapture measure`.
fn measure() {
    let runs: Vec<_> = (0..100).map(|number| large(number, 10_000)).collect();
    let page = Page::of("measure", &runs, false);
    drop(runs);
    let size = page.path().metadata().unwrap().len();
    let tab = Tab::open(page.path(), WIDE, "light");
    let times = tab.js(
        "(() => { const [at] = performance.getEntriesByType('navigation');
           const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime;
           return { domContentLoaded: at.domContentLoadedEventEnd, load: at.loadEventEnd, firstContentfulPaint: paint }; })()",
    );
    let opened = tab.js(
        "(async () => { const start = performance.now(); document.querySelector('#case-77').open = true;
           await new Promise((done) => requestAnimationFrame(() => setTimeout(done))); return performance.now() - start; })()",
    );
    let zoomed = tab.js(
        "(async () => { const start = performance.now(); document.querySelector('.case[open] [aria-label=\"zoom in\"]').click();
           await new Promise((done) => requestAnimationFrame(() => setTimeout(done))); return performance.now() - start; })()",
    );
    // the machine may be busy: CPU time of the page's main thread, in seconds, tells more than the clock
    let metrics = tab.call("Performance.getMetrics", json!({}));
    for metric in metrics["metrics"].as_array().unwrap() {
        if metric["name"] == "TaskDuration" || metric["name"] == "Nodes" {
            println!("{} {}", metric["name"], metric["value"]);
        }
    }
    println!(
        "100 cases, 1,000,000 samples: {size} bytes; {times}; another case opened in {opened} ms, zoomed in {zoomed} ms"
    );
    println!("{}", tab.js("document.querySelector('figcaption').textContent"));
    assert_eq!(tab.complaints(), [] as [Value; 0]);
}
