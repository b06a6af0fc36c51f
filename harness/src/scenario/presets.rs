//! Programs that are known by name: data in the form of `client:`, in `presets.yaml`.

use super::node::{self, Node, Value};

const TEXT: &str = include_str!("presets.yaml");

/// The names there are.
pub(crate) fn names() -> Vec<String> {
    all().iter().filter_map(|(name, _)| name.scalar().map(ToOwned::to_owned)).collect()
}

/// The preset of this name: the keys of a `client:`.
pub(crate) fn find(name: &str) -> Option<Vec<(Node, Node)>> {
    let found = all().into_iter().find(|(key, _)| key.scalar() == Some(name))?;
    match found.1.value {
        Value::Map(entries) => Some(entries),
        _ => None,
    }
}

fn all() -> Vec<(Node, Node)> {
    match node::parse("presets.yaml", TEXT).map(|root| root.value) {
        Ok(Value::Map(entries)) => entries,
        _ => unreachable!("the presets are a mapping, a test reads each"),
    }
}

#[cfg(test)]
mod tests {
    use super::names;
    use crate::scenario::load_bytes;

    #[test]
    fn each_preset_is_a_program_once_it_has_a_command() {
        let case = "cases: [{name: a, faultType: failure, selector: tikv(0), faultDuration: 1m}]";
        for name in names() {
            let text = format!("client: {{preset: {name}, command: x, args: [y]}}\n{case}");
            let file = load_bytes("f.yaml", text.into_bytes()).unwrap_or_else(|error| panic!("{error}"));
            let program = file.program.unwrap();
            assert_eq!(program.command[..2], ["x", "y"], "{name}");
            assert!(program.dump.any(), "{name}");
        }
    }

    #[test]
    fn a_preset_adds_its_arguments_after_the_scenarios_and_gives_way_to_its_keys() {
        let case = "cases: [{name: a, faultType: failure, selector: tikv(0), faultDuration: 1m}]";
        let text = format!("client: {{preset: br, args: [backup, raw], progress: {{total: 7}}}}\n{case}");
        let program =
            load_bytes("f.yaml", text.into_bytes()).unwrap_or_else(|error| panic!("{error}")).program;
        let program = program.unwrap();
        assert_eq!(program.name, "br");
        assert_eq!(program.command[..5], ["br", "backup", "raw", "--pd", "{pd}"]);
        assert_eq!((program.progress.total, program.progress.unit.as_str()), (Some(7), "units"));
    }
}
