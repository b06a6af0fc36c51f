//! The JSON schemas that editors check scenario files and matrices with, made of the loader's own table of keys.
//!
//! A schema says what can be said about one value at a time. That a name contradicts its fault type, or that a fault
//! does not fit its selector, only the loader says.

use serde_json::{Map, Value, json};

use super::client_ref::CLIENTS;
use super::fault_type::words;
use super::keys::{CASE, CONFIG, EXPECT, FILE, Key, MATRIX, OUTCOMES, PROGRAM, Shape};
use super::presets;
use super::suggest::list;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
const DURATION: &str = "(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(h|m|s|ms|us|µs|μs|ns))+";

const BYTES: &str = "[0-9]+ *(B|[KMG]iB|[kKMG]B)?";

/// The schema of a scenario file: a mapping with `cases`, a bare list of cases, or QA's configs around such.
pub fn scenario() -> Value {
    json!({
        "$schema": DIALECT,
        "title": "unstuck scenario",
        "anyOf": [
            object(FILE),
            {"type": "array", "minItems": 1, "items": object(CASE)},
            object(CONFIG),
            {"type": "array", "minItems": 1, "items": object(CONFIG)},
        ],
    })
}

/// The schema of `matrix.yaml`.
pub fn matrix() -> Value {
    let mut schema = object(MATRIX);
    schema["$schema"] = json!(DIALECT);
    schema["title"] = json!("unstuck matrix");
    schema
}

fn object(keys: &[Key]) -> Value {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| {
            let mut schema = value(key.shape);
            schema["description"] = json!(key.doc);
            schema["title"] = json!(title(key.shape));
            (key.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<_> = keys.iter().filter(|key| key.required()).map(|key| key.name).collect();
    let mut schema = json!({"type": "object", "additionalProperties": false, "properties": properties, "required": required});
    if keys.iter().any(|key| key.name == "faults") {
        // a case has a fault of its own, or a list of them
        schema["anyOf"] = json!([{"required": ["faultType", "selector"]}, {"required": ["faults"]}]);
    }
    schema
}

fn value(shape: Shape) -> Value {
    match shape {
        Shape::Text => text(),
        // The bounds speak of numbers only, the pattern of strings only: `0` needs no unit.
        Shape::Duration => json!({
            "type": ["string", "integer"], "minimum": 0, "maximum": 0, "pattern": format!("^(0|{DURATION})$"),
        }),
        Shape::Spread => json!({
            "type": ["string", "integer"], "minimum": 0, "maximum": 0,
            "pattern": format!("^(0|{DURATION})( *\\.\\. *(0|{DURATION}))?$"),
        }),
        Shape::Amount => {
            json!({"type": ["string", "integer"], "minimum": 1, "pattern": "^([1-9][0-9]*|([1-9][0-9]?|100)%)$"})
        }
        Shape::Period => json!({
            "type": "string",
            "pattern": format!("^(@every +{DURATION}( *\\.\\. *{DURATION})? *|@(hourly|daily|weekly|monthly)|[^ @]+( +[^ ]+){{4}})$"),
        }),
        Shape::Size => json!({
            "type": ["string", "integer"], "minimum": 1, "pattern": format!("^{BYTES}$"),
        }),
        Shape::Count(low, high) => json!({"type": "integer", "minimum": low, "maximum": high}),
        Shape::Streams => {
            json!({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 1_000_000}, {"const": "unlimited"}]})
        }
        Shape::PeerOrder => {
            json!({"type": "string", "pattern": "^(shuffled|faulted-first|first\\([1-9][0-9]*\\))$"})
        }
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Word(words) => json!({"enum": words}),
        Shape::FaultType => fault_type(),
        Shape::Selector => json!({"type": "string", "pattern": selector()}),
        Shape::Client => json!({"anyOf": [{"enum": clients()}, program()]}),
        Shape::Texts => json!({"anyOf": [text(), {"type": "array", "items": text()}]}),
        Shape::TextMap => json!({"type": "object", "additionalProperties": text()}),
        Shape::Number => json!({"type": "integer", "minimum": 1}),
        Shape::Share => json!({
            "type": ["string", "integer"], "minimum": 1, "maximum": 100, "pattern": "^[1-9][0-9]{0,2}%?$",
        }),
        Shape::Clients => json!({
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"enum": clients()},
            "additionalProperties": {"anyOf": [{"enum": OUTCOMES}, object(EXPECT)]},
        }),
        Shape::Map(keys) => object(keys),
        Shape::List(keys) => json!({"type": "array", "items": object(keys)}),
        Shape::LeftOut(_) => json!({}),
        // what the text holds no schema can say
        Shape::Scenario => json!({"anyOf": [{"type": "string"}, object(FILE)]}),
    }
}

/// What a value is, in a word or two.
fn title(shape: Shape) -> String {
    let word = match shape {
        Shape::Text => "text",
        Shape::Duration => "duration",
        Shape::Spread => "duration, or bounds",
        Shape::Amount => "share, or whole number",
        Shape::Period => "period",
        Shape::Size => "size",
        Shape::Count(low, high) => return format!("{low} to {high}"),
        Shape::Streams => "whole number, or `unlimited`",
        Shape::PeerOrder => "order of peers",
        Shape::Flag => "`true` or `false`",
        Shape::Word(words) => return list(words),
        Shape::FaultType => "fault type",
        Shape::Selector => "selector",
        Shape::Client => "client",
        Shape::Texts => "text, or list of texts",
        Shape::TextMap => "mapping of texts",
        Shape::Number => "whole number",
        Shape::Share => "1 to 100, or share",
        Shape::Clients => "mapping of outcomes",
        Shape::Map(_) => "mapping",
        Shape::List(_) => "list of mappings",
        Shape::LeftOut(_) => "anything",
        Shape::Scenario => "scenario",
    };
    word.to_owned()
}

fn text() -> Value {
    json!({"type": ["string", "number", "boolean"]})
}

/// A program as the client: it has a command, or a preset that has one.
fn program() -> Value {
    let mut schema = object(PROGRAM);
    schema["anyOf"] = json!([{"required": ["command"]}, {"required": ["preset"]}]);
    schema["properties"]["preset"]["enum"] = json!(presets::names());
    schema
}

/// `word`, `word(key:value,…)` or `{word: {key: value}}`.
fn fault_type() -> Value {
    let names: Vec<_> = words().map(|w| w.name.replace('_', "[-_]")).collect();
    let properties: Map<String, Value> = words()
        .map(|word| {
            let parameters: Map<String, Value> =
                word.parameters.iter().map(|p| ((*p).to_owned(), parameter(p))).collect();
            let schema = json!({
                "type": ["object", "null"],
                "description": word.doc,
                "additionalProperties": false,
                "properties": parameters,
            });
            (word.name.to_owned(), schema)
        })
        .collect();
    json!({"anyOf": [
        {"type": "string", "pattern": format!("^({})(\\(.*\\))?$", names.join("|"))},
        {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false, "properties": properties},
    ]})
}

fn parameter(name: &str) -> Value {
    match name {
        "direction" => json!({"enum": ["to", "from", "both"]}),
        "then" => json!({"enum": ["resume", "close", "reset"]}),
        "reject" | "close" | "silent" => json!({"type": "boolean"}),
        "nth" | "next" | "each" | "requests" | "responses" | "gap" | "connection" | "last_stream"
        | "after_streams" => json!({"type": "integer", "minimum": 0}),
        "leader" => json!({"enum": ["nobody", "actual", "other"]}),
        "part" => json!({"enum": ["headers", "data", "trailers"]}),
        "distribution" => json!({"enum": ["uniform", "normal", "pareto"]}),
        "volumeName" | "method" | "kind" | "path" | "message" => text(),
        "code" | "status" | "error" => json!({"type": ["string", "integer"]}),
        "loss" | "corrupt" | "duplicate" | "reorder" | "correlation" | "toxicity" | "percent" => json!({
            "type": ["string", "number"], "minimum": 0, "maximum": 100, "pattern": "^[0-9]*\\.?[0-9]*%?$",
        }),
        // a share of bytes, bytes a second
        "rate" => json!({
            "type": ["string", "number"], "pattern": format!("^([0-9]*\\.?[0-9]*%?|[0-9]+ *[kmg]?bps|{BYTES}/s)$"),
        }),
        // of streams a whole number
        "limit" | "buffer" | "bytes" | "average_size" | "size_variation" | "afterBytes" => {
            json!({"type": ["string", "integer"], "minimum": 0, "pattern": format!("^{BYTES}$")})
        }
        _ => value(Shape::Duration),
    }
}

fn selector() -> String {
    let mode = "fixed: *[0-9]+|(fixed|random-max)-percent: *[0-9]+%?";
    let alone = format!(
        "az[1-9][0-9]*(\\(all\\))?|(br|lightning|raw_kv|txn_kv|client)(\\(all\\))?|all(\\((all|random|{mode})\\))?|pdleader|pdfollower(\\((random|all|{mode})\\))?"
    );
    // a case with a `mode` needs no qualifier: only the loader sees both
    let many = format!(
        "(tikv(\\((random|all|each|others|[0-9]+|{mode})\\))?|pd(\\((random|all|each|others|leader|follower|[0-9]+|{mode})\\))?)"
    );
    format!("^({alone}|{many})(_to_({alone}|{many}))?$")
}

/// `name` and `name@revision`, for every client.
fn clients() -> Vec<String> {
    let of = |(name, revisions): &(&str, &[&str])| {
        let named = revisions.iter().map(|r| format!("{name}@{r}")).collect::<Vec<_>>();
        std::iter::once((*name).to_owned()).chain(named).collect::<Vec<_>>()
    };
    CLIENTS.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key of a table, and of the tables below it, with the schema of its mapping.
    fn assert_described(keys: &[Key], object: &Value) {
        for key in keys {
            let schema = &object["properties"][key.name];
            assert_eq!(schema["description"], key.doc, "`{}` in {object}", key.name);
            let required = object["required"].as_array().unwrap().contains(&json!(key.name));
            assert_eq!(required, key.required(), "`{}`", key.name);
            match key.shape {
                Shape::Map(keys) => assert_described(keys, schema),
                Shape::List(keys) => assert_described(keys, &schema["items"]),
                _ => {}
            }
        }
    }

    #[test]
    fn each_key_of_the_loader_is_in_the_schema() {
        assert_described(FILE, &scenario()["anyOf"][0]);
        assert_described(CASE, &scenario()["anyOf"][1]["items"]);
        assert_described(CONFIG, &scenario()["anyOf"][2]);
        assert_described(MATRIX, &matrix());
        assert_described(PROGRAM, &scenario()["anyOf"][0]["properties"]["client"]["anyOf"][1]);
    }
}
