//! Which client a case is run with.

use super::case::Case;
use super::client_ref::{self, ClientRef};
use super::fault::Fault;
use super::file::File;
use super::matrix::Matrix;
use super::selector::Selector;

/// Why no client could be chosen for a case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoClient {
    /// Nothing says which.
    #[error(
        "case `{case}` does not say which client it tests: give `--client NAME@REVISION`, one of {}",
        client_ref::choices()
    )]
    Unsaid {
        /// The case.
        case: String,
    },
    /// The selector speaks of another.
    #[error("case `{case}` selects links of `{source_named}`, and the client under test is `{client}`")]
    Another {
        /// The case.
        case: String,
        /// The selector's source.
        source_named: String,
        /// What was chosen.
        client: ClientRef,
    },
}

/// The client of a case: the flag, else the file's `client:`, else the folder's matrix (in which the file is called
/// `file_in_matrix`), else the selector's source (in the revision as reported).
pub fn which_client(
    flag: Option<&ClientRef>,
    file: &File,
    case: &Case,
    matrix: Option<(&Matrix, &str)>,
) -> Result<ClientRef, NoClient> {
    let source = |fault: &Fault| match fault.selector {
        Selector::Links { source, .. } => Some(source.component),
        Selector::Nodes(_) => None,
    };
    let mut sources = case.faults.iter().filter_map(source);
    let source = sources.find(|component| component.names_a_client());
    let chosen = flag
        .or(file.client.as_ref())
        .or_else(|| matrix.and_then(|(matrix, file_in_matrix)| matrix.client(file_in_matrix, &case.name)))
        .cloned()
        .or_else(|| source.and_then(|s| ClientRef::parse(s.name()).ok()))
        .ok_or_else(|| NoClient::Unsaid { case: case.name.clone() })?;
    match source {
        Some(source) if source.name() != chosen.name => Err(NoClient::Another {
            case: case.name.clone(),
            source_named: source.name().into(),
            client: chosen,
        }),
        _ => Ok(chosen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{load_bytes, matrix};

    fn file(head: &str, selector: &str) -> File {
        let fault = if selector.contains("_to_") { "refuse" } else { "failure" };
        let text = format!(
            "{head}\ncases: [{{name: c, faultType: {fault}, selector: {selector}, faultDuration: 1m}}]"
        );
        load_bytes("f.yaml", text.into_bytes()).unwrap_or_else(|e| panic!("{e}"))
    }

    fn client(text: &str) -> ClientRef {
        ClientRef::parse(text).unwrap()
    }

    #[test]
    fn the_flag_comes_before_the_file_before_the_matrix_before_the_selector() {
        let text = "entries: [{file: f.yaml, case: c, clients: {br@fixed: completed}}]";
        let matrix = matrix::load_bytes("m", text.into()).unwrap_or_else(|e| panic!("{e}"));
        let matrix = Some((&matrix, "f.yaml"));
        let flag = client("br@as-reported");
        let (said, plain) = (file("client: br@fixed", "br_to_all"), file("", "br_to_all"));
        assert_eq!(which_client(Some(&flag), &said, &said.cases[0], matrix), Ok(flag));
        assert_eq!(which_client(None, &said, &said.cases[0], None), Ok(client("br@fixed")));
        assert_eq!(which_client(None, &plain, &plain.cases[0], matrix), Ok(client("br@fixed")));
        assert_eq!(which_client(None, &plain, &plain.cases[0], None), Ok(client("br@as-reported")));
    }

    #[test]
    fn a_case_that_says_nothing_gets_the_list_of_choices() {
        let file = file("", "tikv(random)");
        let said = which_client(None, &file, &file.cases[0], None).unwrap_err().to_string();
        for (name, revisions) in client_ref::CLIENTS {
            for revision in revisions {
                assert!(said.contains(&format!("`{name}@{revision}`")), "{said}");
            }
        }
    }

    #[test]
    fn a_selector_of_another_client_is_refused() {
        let file = file("client: lightning@fixed", "br_to_all");
        let said = which_client(None, &file, &file.cases[0], None).unwrap_err().to_string();
        assert_eq!(said, "case `c` selects links of `br`, and the client under test is `lightning@fixed`");
    }
}
