//! JSON lines, against the schema in the repository.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixture;

use serde_json::Value;
use unstuck_record::builder::{MIN, RunBuilder, all_done};
use unstuck_record::{Judgement, Outcome, Verdict};
use unstuck_reports::json::case;

fn schema() -> Value {
    serde_json::from_str(include_str!("../schema/case.json")).unwrap()
}

/// The part of JSON Schema that ours uses. An unknown keyword fails, so that none is skipped unseen.
fn problems(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = vec![];
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$schema" | "title" | "description" => {}
            "type" => {
                let one = [rule.clone()];
                let allowed = rule.as_array().map_or(&one[..], Vec::as_slice);
                if !allowed.iter().any(|name| is(name.as_str().unwrap(), value)) {
                    found.push(format!("{at}: {value} is no {rule}"));
                }
            }
            "enum" => {
                if !rule.as_array().unwrap().contains(value) {
                    found.push(format!("{at}: {value} not in {rule}"));
                }
            }
            "minimum" => {
                if value.as_f64().is_some_and(|number| number < rule.as_f64().unwrap()) {
                    found.push(format!("{at}: {value} is too small"));
                }
            }
            "required" => {
                let names = rule.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                found.extend(
                    names.filter(|name| value.get(name).is_none()).map(|name| format!("{at}: no {name}")),
                );
            }
            "properties" => {
                for (name, schema) in rule.as_object().unwrap() {
                    found.extend(
                        value.get(name).map_or(vec![], |v| problems(schema, v, &format!("{at}/{name}"))),
                    );
                }
            }
            "additionalProperties" => {
                let known = schema["properties"].as_object().unwrap();
                let names = value.as_object().into_iter().flat_map(|object| object.keys());
                found.extend(
                    names
                        .filter(|name| !known.contains_key(*name))
                        .map(|name| format!("{at}: what is {name}")),
                );
            }
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                found.extend(items.flat_map(|(index, item)| problems(rule, item, &format!("{at}/{index}"))));
            }
            other => found.push(format!("{at}: the schema uses `{other}`, which this test does not know")),
        }
    }
    found
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "null" => value.is_null(),
        other => panic!("unknown type {other}"),
    }
}

#[test]
fn a_stuck_case_is_one_line_that_fits_the_schema() {
    let (run, judgement) = fixture::stuck();
    let line = case(&run, &judgement, Some(640));
    assert!(!line.contains('\n'));
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(problems(&schema(), &value, ""), Vec::<String>::new());
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
}

#[test]
fn a_case_without_faults_or_findings_fits_the_schema_too() {
    let run = RunBuilder::new("quiet", "br@fixed").header(|header| header.limits.baseline_ms = None);
    let run = run.client_ended(MIN, None, all_done()).build();
    let judgement = Judgement {
        outcome: Outcome::Completed,
        verdict: Verdict::Pass,
        reason: String::new(),
        budget_ms: 6 * MIN,
        findings: vec![],
    };
    let value: Value = serde_json::from_str(&case(&run, &judgement, None)).unwrap();
    assert_eq!(problems(&schema(), &value, ""), Vec::<String>::new());
}

#[test]
fn the_keys_stand_in_the_documented_order() {
    let (run, judgement) = fixture::stuck();
    let line = case(&run, &judgement, None);
    let keys = "file case client world seed outcome verdict findings faults progress budgetMs baselineMs virtualMs wallMs";
    let places: Vec<_> = keys.split(' ').map(|key| line.find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{line}");
}

#[test]
fn what_the_schema_forbids_is_found() {
    let (run, judgement) = fixture::stuck();
    let mut value: Value = serde_json::from_str(&case(&run, &judgement, None)).unwrap();
    value["outcome"] = "fine".into();
    value["seed"] = Value::from(-1);
    value["findings"][0]["tasks"] = Value::Null;
    value["extra"] = true.into();
    value.as_object_mut().unwrap().remove("budgetMs");
    assert_eq!(problems(&schema(), &value, "").len(), 5);
}
