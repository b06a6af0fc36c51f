//! What Chaos Mesh would say: a status made by hand, by its schema (`chaos-mesh.json`).

use std::path::Path;

use libtest_mimic::Trial;
use serde_json::{Value, json};

const MADE: &str = include_str!("chaos-mesh.json");
const CRDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/chaos-mesh-crds/networkchaos.yaml");

/// Milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64
}

/// Whole seconds, as Kubernetes writes them.
pub(super) fn rfc3339(ms: u64) -> String {
    let moment = chrono::DateTime::from_timestamp((ms / 1_000).cast_signed(), 0).unwrap();
    moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Its objects before it has done anything.
pub(super) fn nothing_yet() -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": []}).to_string()
}

/// Its objects when the injection has begun, and was recovered if that is given. Milliseconds since 1970.
pub(super) fn status(begins_ms: u64, heals_ms: Option<u64>) -> String {
    let text = MADE.replace("{begins}", &rfc3339(begins_ms));
    let Some(heals_ms) = heals_ms else {
        let mut document: Value = serde_json::from_str(&text).unwrap();
        let records =
            document["items"][0]["status"]["experiment"]["containerRecords"].as_array_mut().unwrap();
        for record in records {
            record["phase"] = "Injected".into();
            record["recoveredCount"] = 0.into();
            record["events"].as_array_mut().unwrap().retain(|event| event["operation"] == "Apply");
        }
        return document.to_string();
    };
    text.replace("{heals}", &rfc3339(heals_ms))
}

pub(super) fn schema() -> Trial {
    let name = "a_status_made_by_hand_is_valid_by_chaos_mesh_s_own_schema";
    let there = Path::new(CRDS).is_file();
    if !there {
        eprintln!("not run: {name}: no {CRDS} (.ci/clients brings it, with Go)");
    }
    let test = || {
        let text = std::fs::read_to_string(CRDS).unwrap();
        let definition: Value = serde_saphyr::from_str(&text).unwrap();
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        // OpenAPI 3.0 is draft 4 by origin
        let schema = jsonschema::options().with_draft(jsonschema::Draft::Draft4).build(schema).unwrap();
        for text in [status(0, None), status(0, Some(2_000))] {
            let list: Value = serde_json::from_str(&text).unwrap();
            let object = &list["items"][0];
            assert!(schema.is_valid(object), "{:?}", schema.iter_errors(object).collect::<Vec<_>>());
            let mut bad = object.clone();
            bad["status"]["experiment"]["containerRecords"][0]["id"] = 3.into();
            assert!(!schema.is_valid(&bad), "the schema bites");
        }
        Ok(())
    };
    Trial::test(name, test).with_ignored_flag(!there)
}
