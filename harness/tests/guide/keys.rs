//! The reference in docs/scenarios.md is made of the schema, which is made of the loader's own table of keys.

use std::fmt::Write as _;

use serde_json::Value;
use unstuck::scenario::{load_bytes, matrix, schema};

use crate::examples::{Root, SECTIONS, Section};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scenarios.md");
const BEGIN: &str = "<!-- made of the keys: UPDATE_DOCS=1 cargo test -p unstuck --test guide -->\n";
const END: &str = "\n<!-- end -->";

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|e| panic!("`{text}`: {e}"))
}

/// A whole file with more keys in one of its mappings.
pub(crate) fn placed(whole: &str, at: &str, part: &Value) -> Vec<u8> {
    let mut whole = yaml(whole);
    let place = whole.pointer_mut(at).and_then(Value::as_object_mut).expect("there is a mapping");
    place.extend(part.as_object().expect("a part is a mapping").clone());
    // JSON is YAML
    whole.to_string().into_bytes()
}

/// The mapping at a schema: itself, that of a list's items, or that which may stand beside a word.
fn mapping(schema: &Value) -> Option<&Value> {
    if schema["properties"].is_object() {
        return Some(schema);
    }
    let beside = schema["anyOf"].as_array().into_iter().flatten().find(|s| s["properties"].is_object());
    let below = || ["items", "additionalProperties"].into_iter().find_map(|of| mapping(schema.get(of)?));
    beside.or_else(below)
}

/// Every mapping at and below a schema.
fn mappings<'a>(schema: &'a Value, found: &mut Vec<&'a Value>) {
    let Some(mapping) = mapping(schema) else { return };
    let properties = &mapping["properties"];
    if !found.contains(&properties) {
        found.push(properties);
        for (key, schema) in properties.as_object().unwrap() {
            // docs/faults.md has the parameters of a fault
            if key != "faultType" {
                mappings(schema, found);
            }
        }
    }
}

/// A file's schema, that of QA's configs, and a matrix's.
fn roots() -> [Value; 3] {
    let scenario = schema::scenario();
    [scenario["anyOf"][0].clone(), scenario["anyOf"][2].clone(), schema::matrix()]
}

/// The properties of every mapping there is, once.
fn every_mapping(roots: &[Value; 3]) -> Vec<&Value> {
    let mut found = Vec::new();
    for root in roots {
        mappings(root, &mut found);
    }
    found
}

/// The schema of a section's mapping.
fn schema_of(section: &Section, roots: &[Value; 3]) -> Value {
    let root = &roots[section.root as usize];
    let step = |schema: &Value, step: &str| match step.parse::<usize>() {
        Ok(_) => schema["items"].clone(),
        Err(_) => mapping(schema).unwrap()["properties"][step].clone(),
    };
    let place = section.at.split('/').skip(1).fold(root.clone(), |schema, name| step(&schema, name));
    mapping(&place).unwrap_or_else(|| panic!("{} is at no mapping", section.title)).clone()
}

fn table(section: &Section, schema: &Value) -> String {
    let mut rows = format!(
        "\n### {}\n\n{}\n\n| key | what it is | type | example |\n|---|---|---|---|\n",
        section.title, section.about
    );
    for (key, example) in section.examples {
        let value = &schema["properties"][key];
        let of = |part: &str| {
            value[part].as_str().unwrap_or_else(|| panic!("`{key}` has no {part}")).replace('|', "\\|")
        };
        let required = schema["required"].as_array().unwrap().contains(&(*key).into());
        let must = if required { "; must be there" } else { "" };
        let example = example.replace('|', "\\|");
        writeln!(rows, "| `{key}` | {} | {}{must} | `{example}` |", of("description"), of("title")).unwrap();
    }
    rows
}

#[test]
fn the_guide_has_every_key_as_the_loader_has_it() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page says where the reference begins");
    let (held, after) = rest.split_once(END).expect("the page says where the reference ends");
    let roots = roots();
    let made: String = SECTIONS.iter().map(|s| table(s, &schema_of(s, &roots))).collect();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, [before, BEGIN, &made, END, after].concat()).unwrap();
    } else {
        assert!(held == made, "docs/scenarios.md is not what the keys are: UPDATE_DOCS=1 makes it anew");
    }
}

#[test]
fn every_mapping_has_a_section() {
    let roots = roots();
    let found = every_mapping(&roots);
    let told: Vec<Value> = SECTIONS.iter().map(|s| schema_of(s, &roots)["properties"].clone()).collect();
    assert_eq!(found.len(), told.len());
    for mapping in found {
        let keys: Vec<_> = mapping.as_object().unwrap().keys().collect();
        assert!(told.contains(mapping), "no section has the keys {keys:?}");
    }
}

#[test]
fn each_key_s_example_is_read() {
    let roots = roots();
    for section in SECTIONS {
        let schema = schema_of(section, &roots);
        let known = schema["properties"].as_object().unwrap();
        for key in known.keys() {
            let there = section.examples.iter().filter(|(name, _)| name == key).count();
            assert_eq!(there, 1, "examples of the key `{key}` in {}", section.title);
        }
        for (key, example) in section.examples {
            assert!(known.contains_key(*key), "{}: there is no key `{key}`", section.title);
            let example = yaml(&format!("{{{example}}}"));
            assert!(example.get(key).is_some(), "the example of `{key}` does not have it");
            let bytes = placed(section.base, section.at, &example);
            let read = if section.root == Root::Matrix {
                matrix::load_bytes("matrix.yaml", bytes).map(drop)
            } else {
                load_bytes("case.yaml", bytes).map(drop)
            };
            read.unwrap_or_else(|e| panic!("the example of `{key}` in {}:\n{e}", section.title));
        }
    }
}
