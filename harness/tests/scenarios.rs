//! Every run of every `matrix.yaml` under `scenarios/` is one test: the case, the client, the world, and what is
//! to come out. Names read `reported/tidb-46321-tikv-failure/tikv_failure/lightning@fixed/sim`.

use std::path::Path;
use std::process::ExitCode;

use unstuck::Suite;

fn main() -> ExitCode {
    // reports name a file as one would from the workspace
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::env::set_current_dir(root).expect("the package stands in the workspace");
    Suite::new("scenarios").main()
}
