//! QA's own vocabulary, issue by issue: each of its cases loads, with what is not carried out here named, or is refused with
//! the alternative. Names, fault types and selectors are those of the issues; times are of the usual sizes.

use unstuck::scenario::load_bytes;

/// What becomes of a file.
enum Says {
    /// It loads; these keys are named as not carried out.
    Loads(&'static [&'static str]),
    /// It is refused, and the error holds each of these.
    Refuses(&'static [&'static str]),
}
use Says::{Loads, Refuses};

/// One case under the wrapper of tidb 48064, with its load and its DDL.
fn add_index(name: &str, fault: &str, selector: &str, ends: &str) -> String {
    format!(
        "  - name: config_{name}
    default: |
      tag: \"ha-test-add-index\"
      workloads:
        - type: sysbench
          storage: s3://somewhere/tables
          db: tables
          tableNum: 64
          tableSize: 1000
          threads: 64
          subType: oltp_read_write
          ignoreErrors: \"all\"
      tidbGlobalVariables:
        beforeCase: [ tidb_enable_dist_task='on' ]
      cases:
        - name: \"{name}\"
          warmUpTime: 1m
          faultType: {fault}
          selector: \"{selector}\"
          {ends}
          ddl:
            addIndex:
              - {{db: tables, table: t1, timeout: 60m, times: 5, index_col_name: c, job_type: ingest, admin_check: true}}
"
    )
}

fn case(name: &str, fault: &str, selector: &str, ends: &str) -> String {
    format!(
        "cases:\n  - name: {name}\n    faultType: {fault}\n    selector: {selector}\n    warmUpTime: 1m\n    {ends}\n"
    )
}

const WINDOW: &str = "period: \"@every 5m\"\n          faultDuration: 2m\n          faultTotalRunTime: 30m";
const ONCE: &str = "faultDuration: 3m";
const ALL: &[&str] = &["workloads", "tidbGlobalVariables", "ddl"];

#[expect(clippy::too_many_lines, reason = "a table")]
fn vocabulary() -> Vec<(&'static str, String, Says)> {
    vec![
        (
            "tidb 46321",
            case("tikv_failure", "failure", "tikv(random)", "faultDuration: 60m\n    recoveryTime: 5m"),
            Loads(&[]),
        ),
        (
            "tidb 53519",
            case(
                "ha_br_to_all_network_partition",
                "network_partition",
                "br_to_all",
                "period: \"@every 3m\"\n    faultDuration: 1m\n    faultRunTimes: 5",
            ),
            Loads(&[]),
        ),
        (
            "tidb 48064",
            add_index("ha_pdleader_to_all_network_partition", "network_partition", "pdleader_to_all", WINDOW),
            Loads(ALL),
        ),
        (
            "tidb 48862",
            add_index(
                "ha_pdleader_to_pdfollower_all_network_partition",
                "network_partition",
                "pdleader_to_pdfollower(all)",
                WINDOW,
            ),
            Loads(ALL),
        ),
        // the report's own slip: the name says partition
        (
            "tidb 48208",
            add_index(
                "ha_pdleader_to_pdfollower_all_network_partition",
                "kill",
                "pdleader_to_pdfollower(all)",
                WINDOW,
            ),
            Refuses(&["the name says `partition`, the fault type is `kill`"]),
        ),
        (
            "tidb 47125",
            add_index("ha_tidb_ddl_owner_kill", "kill", "tidb(ddl-owner)", WINDOW),
            Refuses(&["`tidb`", "help:"]),
        ),
        ("tidb 46468, pd", add_index("ha_pdleader_kill", "kill", "pd(leader)", WINDOW), Loads(ALL)),
        ("tidb 46468, tikv", add_index("ha_tikv_random_kill", "kill", "tikv(random)", WINDOW), Loads(ALL)),
        (
            "tidb 47954",
            add_index(
                "ha_tidb(ddl-owner)_to_all_network_partition",
                "network_partition",
                "tidb(ddl-owner)_to_all",
                WINDOW,
            ),
            Refuses(&["`tidb`", "help:"]),
        ),
        (
            "tidb 48303",
            add_index(
                "ha_tikv(random)_to_all_network_partition",
                "network_partition",
                "tikv(random)_to_all",
                WINDOW,
            ),
            Loads(ALL),
        ),
        (
            "tiflow 9227",
            case(
                "ha_ticdc(owner)_to_ticdcProcessor(all)_network_partition",
                "network_partition",
                "ticdc(owner)_to_ticdcProcessor(all)",
                ONCE,
            ),
            Refuses(&["`ticdc`", "help:"]),
        ),
        (
            "tikv 13524",
            case("one_tikv_io_delay", "io_delay(volumeName:tikv,delay:60m)", "tikv(random)", ONCE),
            Loads(&[]),
        ),
        ("tikv(all)", case("a", "failure", "tikv(all)", ONCE), Loads(&[])),
        (
            "tikv(random)_to_pdleader",
            case("a", "network_partition", "tikv(random)_to_pdleader", ONCE),
            Loads(&[]),
        ),
        (
            "tikv(random)_to_tikv(others)",
            case("a", "network_partition", "tikv(random)_to_tikv(others)", ONCE),
            Loads(&[]),
        ),
        (
            "pdleader_to_pdfollower(random)",
            case("a", "network_partition", "pdleader_to_pdfollower(random)", ONCE),
            Loads(&[]),
        ),
        (
            "tikv(random)_to_tidb(random)",
            case("a", "network_partition", "tikv(random)_to_tidb(random)", ONCE),
            Refuses(&["`tidb`", "help:"]),
        ),
        (
            "ticdc(owner)_to_kafka",
            case("a", "network_partition", "ticdc(owner)_to_kafka", ONCE),
            Refuses(&["help:"]),
        ),
        (
            "ticdc_to_downstream",
            case("a", "network_partition", "ticdc_to_downstream", ONCE),
            Refuses(&["help:"]),
        ),
        ("minio_to_all", case("a", "network_partition", "minio_to_all", ONCE), Refuses(&["help:"])),
        ("tikv_to_s3", case("a", "network_partition", "tikv(all)_to_s3", ONCE), Refuses(&["help:"])),
        (
            "tidb(advancer-owner)_to_tikv(random)",
            case("a", "network_partition", "tidb(advancer-owner)_to_tikv(random)", ONCE),
            Refuses(&["`tidb`", "help:"]),
        ),
    ]
}

#[test]
fn every_case_of_the_vocabulary_loads_or_is_refused_with_the_alternative() {
    for (issue, text, says) in vocabulary() {
        let loaded = load_bytes("case.yaml", text.into_bytes());
        match says {
            Loads(left_out) => {
                let file = loaded.unwrap_or_else(|error| panic!("{issue}:\n{error}"));
                assert_eq!(file.cases[0].left_out, left_out, "{issue}");
                let warned = file.warnings.to_string();
                for key in left_out {
                    assert!(warned.contains(&format!("`{key}` is not carried out")), "{issue}:\n{warned}");
                }
                assert_eq!(file.warnings.warnings(), left_out.len(), "{issue}:\n{warned}");
            }
            Refuses(parts) => {
                let error = loaded.map(|_| ()).expect_err(issue).to_string();
                for part in parts {
                    assert!(error.contains(part), "{issue} lacks `{part}`:\n{error}");
                }
            }
        }
    }
}
