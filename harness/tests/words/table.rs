//! docs/faults.md is made of the table of words; each word's example is a case that can be planned.

use std::fmt::Write as _;
use std::path::Path;

use unstuck::fault::Plan;
use unstuck::fault::plan::Topology;
use unstuck::scenario::fault_type::{Word, words};
use unstuck::scenario::load_bytes;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/faults.md");
const BEGIN: &str = "<!-- made of the words: UPDATE_DOCS=1 cargo test -p unstuck --test words -->\n\n";
const END: &str = "\n<!-- end -->";

fn table() -> String {
    let mut rows = String::from(
        "| word | what it is | live connections | new connections | the node | parameters | example |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for Word { name, parameters, doc, does: [live, new, node], example, .. } in words() {
        let parameters = parameters.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        writeln!(rows, "| `{name}` | {doc} | {live} | {new} | {node} | {parameters} | `{example}` |")
            .unwrap();
    }
    rows
}

#[test]
fn the_page_has_every_word_as_the_code_has_it() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page says where the table begins");
    let (held, after) = rest.split_once(END).expect("the page says where the table ends");
    let made = table();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(Path::new(PAGE), [before, BEGIN, &made, END, after].concat()).unwrap();
    } else {
        assert!(held == made, "docs/faults.md is not what the words are: UPDATE_DOCS=1 makes it anew");
    }
}

#[test]
fn each_word_s_example_can_be_planned() {
    let topology = Topology { client: "br".into(), pd: 3, zones: 2, pd_leader: 0, stores: vec![1, 2, 3, 4] };
    for word in words() {
        let text = format!(
            "cluster: {{tikv: 4, zones: 2}}\ncases: [{{name: case, faultType: '{}', selector: '{}', faultDuration: 1m}}]",
            word.example, word.at
        );
        let file = load_bytes("f", text.into_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
        let plan =
            Plan::new(&file.cases[0], &topology, 1).unwrap_or_else(|why| panic!("{}: {why}", word.name));
        let injection = &plan.injections[0];
        assert!(!(injection.links.is_empty() && injection.nodes.is_empty()), "{}", word.name);
    }
}

/// Both forms, with every parameter that a word takes. What it cannot be is refused as well as what it does not know.
#[test]
fn each_word_takes_the_parameters_that_it_names_and_no_others() {
    for word in words() {
        let text = format!(
            "cases: [{{name: case, faultType: {{{}: {{parameter: 1}}}}, selector: '{}', faultDuration: 1m}}]",
            word.name, word.at
        );
        let said = load_bytes("f", text.into_bytes()).expect_err(word.name).to_string();
        assert!(said.contains("has no parameter `parameter`"), "{said}");
    }
}
