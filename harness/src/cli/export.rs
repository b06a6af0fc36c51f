//! `unstuck export chaos-mesh FILE…`: the same cases as manifests for a real cluster.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use unstuck_reports::text::clean;

use super::{Exit, out};
use crate::export::chaos_mesh::Names;
use crate::export::pods::Pods;
use crate::scenario;

/// Arguments of `unstuck export`.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(subcommand)]
    to: To,
}

#[derive(Debug, Subcommand)]
enum To {
    /// Manifests of Chaos Mesh, in YAML: Schedule, `NetworkChaos`, `PodChaos`, `IOChaos`.
    ChaosMesh(ChaosMeshArgs),
}

#[derive(Debug, Args)]
struct ChaosMeshArgs {
    /// Scenario files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The cluster's name, as `TiDB` Operator has it.
    #[arg(long, default_value = "basic", value_name = "NAME")]
    cluster: String,
    /// Where the cluster is, and where the manifests go.
    #[arg(long, default_value = "tidb-cluster", value_name = "NAME")]
    namespace: String,
    /// Labels of the client's pods.
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = label)]
    client_labels: Vec<(String, String)>,
    /// The pod that leads PD, which no label tells.
    #[arg(long, value_name = "POD")]
    pd_leader: Option<String>,
}

/// Prints manifests on stdout, and on stderr what has no equivalent: then the exit code is 1.
pub(super) fn run(args: &ExportArgs, colour: bool) -> Exit {
    let To::ChaosMesh(args) = &args.to;
    let pods = Pods {
        namespace: args.namespace.clone(),
        instance: args.cluster.clone(),
        client: args.client_labels.clone(),
        pd_leader: args.pd_leader.clone(),
    };
    let mut files = vec![];
    for path in &args.files {
        match scenario::load(path) {
            Ok(file) => files.push(file),
            Err(problems) => {
                eprintln!("{}", problems.render(colour));
                return Exit::Scenario;
            }
        }
    }
    let (mut texts, mut names, mut left_out) = (vec![], Names::default(), 0);
    for file in &files {
        for case in &file.cases {
            let name = clean(&case.name);
            for made in names.manifests(case, &pods) {
                match made {
                    Ok(manifest) => {
                        let yaml = match serde_saphyr::to_string(&manifest.object) {
                            Ok(yaml) => yaml,
                            Err(error) => {
                                eprintln!("error: case `{name}` cannot be written as YAML: {error}");
                                return Exit::Harness;
                            }
                        };
                        let mut comment = vec![format!("{}: {name}", clean(&file.name))];
                        comment.extend(manifest.how);
                        texts.push(format!("# {}\n{}\n", comment.join("\n# "), yaml.trim_end()));
                    }
                    Err(reason) => {
                        left_out += 1;
                        eprintln!(
                            "no equivalent: case `{name}` of {}: {reason}\n  instead: {}",
                            clean(&file.name),
                            reason.instead
                        );
                    }
                }
            }
        }
    }
    out::say(&texts.join("---\n"));
    if left_out > 0 { Exit::Fail } else { Exit::Pass }
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a label is `key=value`".to_owned()),
    }
}
