//! QA's configs: a name, and a whole scenario as the text of `default` (tidb 48064).
//!
//! ```yaml
//! - name: config_ha_pdleader_to_all_network_partition
//!   default: |
//!     tag: "ha-test-add-index"
//!     cases: […]
//! ```

use std::ops::Range;

use super::diagnostic::Problem;
use super::fields::Fields;
use super::keys::CONFIG;
use super::node::{self, Node, Value};

/// What stands in the configs of a file; `None` if there are none, and the file is a scenario itself.
pub(crate) fn scenarios(source: &str, root: &Node, problems: &mut Vec<Problem>) -> Option<Vec<Node>> {
    let configs = match &root.value {
        Value::List(items) if items.iter().any(is_config) => &items[..],
        Value::Map(_) if is_config(root) => std::slice::from_ref(root),
        _ => return None,
    };
    Some(configs.iter().filter_map(|config| scenario(source, config, problems)).collect())
}

fn is_config(node: &Node) -> bool {
    matches!(&node.value, Value::Map(entries) if entries.iter().any(|(key, _)| key.scalar() == Some("default")))
}

fn scenario(source: &str, config: &Node, problems: &mut Vec<Problem>) -> Option<Node> {
    let f = Fields::of(config, "a config", CONFIG, problems)?;
    let inner = f.get("default")?;
    match &inner.value {
        Value::Map(_) => Some(inner.clone()),
        Value::Text(text) => {
            let Some(part) = block(source, f.key("default").start, text) else {
                let message = "the scenario must be a block of text or a mapping";
                problems.push(
                    Problem::error(inner.span.clone(), message)
                        .hint("write `default: |`, and the scenario indented below it"),
                );
                return None;
            };
            node::parse_part(source, part).map_err(|problem| problems.push(problem)).ok()
        }
        _ => {
            let message = format!("a scenario cannot be {}", inner.kind());
            problems.push(
                Problem::error(inner.span.clone(), message)
                    .hint("write `default: |`, and the scenario indented below it"),
            );
            None
        }
    }
}

/// The lines of a literal block (`|`) whose key stands at `key`, with their indentation, so that places in them are places
/// in the file.
fn block(source: &str, key: usize, text: &str) -> Option<Range<usize>> {
    let head = source.get(key..)?.split('\n').next()?;
    let style = head.split_once(':')?.1.trim_start();
    if !style.starts_with('|') {
        return None;
    }
    let start = key + head.len() + 1;
    let lines = text.split_inclusive('\n').count();
    let length: usize = source.get(start..)?.split_inclusive('\n').take(lines).map(str::len).sum();
    Some(start..start + length)
}
