//! Fault types that change what nodes answer: `busy(backoff:1s,method:Ingest)`, `io_delay(volumeName:tikv,delay:60m)`.
//!
//! Each is a script of the fake cluster. All of them take `method` (which calls) and one of `nth`, `next`, `each`, for disks also
//! `percent` (which of those); both default to all. There are no files: `volumeName` and `path` say nothing here.

use std::time::Duration;

use fake_tikv::answer::{After, Calls, How, Leader, RegionError, Script, Then, When};
use fake_tikv::methods::Methods;

use super::super::diagnostic::Problem;
use super::super::fields::{shorten, whole};
use super::super::suggest::{did_you_mean, nearest};
use super::parameters::Parameters;
use super::words::{Word, word};

/// Every word that changes answers.
pub(super) const WORDS: [Word; 10] = [
    word(
        "io_delay",
        &["volumeName", "path", "percent", "delay", "method", "nth", "next", "each"],
        "the disk is slow: calls begin later, messages of streams are late",
    )
    .node("answers late")
    .like("io_delay(volumeName:tikv,delay:500ms,percent:54)"),
    word(
        "io_jitter",
        &["volumeName", "path", "percent", "delay", "jitter", "method", "nth", "next", "each"],
        "the disk is slow by turns: the same, by `delay` and up to `jitter` more or less",
    )
    .node("answers late")
    .like("io_jitter(delay:500ms,jitter:400ms)"),
    word(
        "io_hang",
        &["volumeName", "path", "percent", "method", "nth", "next", "each"],
        "the disk hangs: calls are not answered until the heal, pings are",
    )
    .node("does not answer calls"),
    word("busy", &["backoff", "method", "nth", "next", "each"], "regions answer `server is busy`")
        .node("answers `server is busy`")
        .like("busy(backoff:1s)"),
    word("not_leader", &["leader", "method", "nth", "next", "each"], "regions answer `not leader`")
        .node("answers `not leader`")
        .like("not_leader(leader:actual)"),
    word("epoch_not_match", &["method", "nth", "next", "each"], "regions answer `epoch not match`")
        .node("answers `epoch not match`"),
    word("disk_full", &["method", "nth", "next", "each"], "regions answer `disk full`")
        .node("answers `disk full`"),
    word("region_error", &["kind", "method", "nth", "next", "each"], "regions answer with this error")
        .node("answers with the error")
        .like("region_error(kind:stale_command)"),
    word("grpc_status", &["code", "method", "nth", "next", "each"], "calls end with this gRPC status")
        .node("answers with the status")
        .like("grpc_status(code:UNAVAILABLE)"),
    word(
        "stream_cut",
        &["requests", "responses", "close", "silent", "method", "nth", "next", "each"],
        "calls are reset, their connection closed, or nothing more ever comes, behind so many messages",
    )
    .node("cuts calls")
    .like("stream_cut(responses:2)"),
];

/// gRPC's status codes by name, from 1.
const CODES: [&str; 16] = [
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Region errors without parameters, by their names in kvproto.
const REGION_ERRORS: [(&str, RegionError); 16] = [
    ("region_not_found", RegionError::RegionNotFound),
    ("key_not_in_region", RegionError::KeyNotInRegion),
    ("stale_command", RegionError::StaleCommand),
    ("store_not_match", RegionError::StoreNotMatch),
    ("max_timestamp_not_synced", RegionError::MaxTimestampNotSynced),
    ("read_index_not_ready", RegionError::ReadIndexNotReady),
    ("proposal_in_merging_mode", RegionError::ProposalInMergingMode),
    ("data_is_not_ready", RegionError::DataIsNotReady),
    ("region_not_initialized", RegionError::RegionNotInitialized),
    ("recovery_in_progress", RegionError::RecoveryInProgress),
    ("flashback_in_progress", RegionError::FlashbackInProgress),
    ("flashback_not_prepared", RegionError::FlashbackNotPrepared),
    ("is_witness", RegionError::IsWitness),
    ("mismatch_peer_id", RegionError::MismatchPeerId),
    ("bucket_version_not_match", RegionError::BucketVersionNotMatch),
    ("undetermined", RegionError::Undetermined),
];

/// Reads the parameters of one of [`WORDS`]. What is wrong with them is among the problems.
pub(super) fn read(of: &mut Parameters<'_>) -> Option<Script> {
    let before = of.problems.len();
    let then = match of.word.name {
        "io_delay" => of.required("delay", Parameters::duration).map(Then::delay),
        "io_jitter" => jittered(of),
        "io_hang" => Some(Then::Silence),
        "busy" => {
            let backoff = of.duration("backoff").unwrap_or_default();
            let error = RegionError::ServerIsBusy { backoff_ms: ms(backoff), reason: String::new() };
            Some(Then::RegionError(error))
        }
        "not_leader" => {
            let choices = [("nobody", Leader::Nobody), ("actual", Leader::Actual), ("other", Leader::Other)];
            let leader = of.choice("leader", &choices, Leader::Nobody);
            Some(Then::RegionError(RegionError::NotLeader { leader }))
        }
        "epoch_not_match" => Some(Then::RegionError(RegionError::EpochNotMatch)),
        "disk_full" => Some(Then::RegionError(RegionError::DiskFull)),
        "region_error" => of.required("kind", region_error).map(Then::RegionError),
        "grpc_status" => of
            .required("code", status)
            .map(|code| Then::Status { code, message: "a fault of the scenario".to_owned() }),
        _ => cut(of),
    };
    let when = When { method: methods(of), calls: calls(of), ..When::default() };
    let script = then.map(|then| Script { when, then });
    if of.problems.len() > before {
        return None;
    }
    let error = script.as_ref().and_then(|script| script.check().err());
    if let Some(error) = error {
        let span = of.find("method").map_or(of.span.clone(), |p| p.span.clone());
        of.problems.push(Problem::error(span, error.to_string()).hint("choose another `method`"));
        return None;
    }
    script
}

fn methods(of: &mut Parameters<'_>) -> Methods {
    let Some(p) = of.find("method") else { return Methods::All };
    p.value.parse().unwrap_or_else(|error: fake_tikv::methods::UnknownMethod| {
        let names: Vec<&str> = fake_tikv::methods::METHODS.iter().map(|method| method.name).collect();
        let problem = Problem::error(p.span.clone(), error.to_string());
        of.problems.push(problem.hint(did_you_mean_one(&p.value, &names)));
        Methods::All
    })
}

/// A suggestion without the list of all 187.
fn did_you_mean_one(given: &str, names: &[&str]) -> String {
    nearest(given, names)
        .map_or_else(|| "as in `method:Ingest`".to_owned(), |name| format!("did you mean `{name}`?"))
}

fn jittered(of: &mut Parameters<'_>) -> Option<Then> {
    let (delay, jitter) =
        (of.required("delay", Parameters::duration)?, of.required("jitter", Parameters::duration)?);
    if jitter > delay {
        let problem = Problem::error(of.span.clone(), "`delay` must be at least `jitter`");
        of.problems.push(problem.hint(format!("as in `{}`", of.word.example)));
    }
    Some(Then::Delay { ms: ms(delay), jitter_ms: ms(jitter) })
}

fn calls(of: &mut Parameters<'_>) -> Calls {
    let mut calls = percent(of);
    for name in ["nth", "next", "each"] {
        let Some(n) = of.number(name) else { continue };
        if calls.is_some() {
            let span = of.find(name).map_or(of.span.clone(), |p| p.span.clone());
            let problem = Problem::error(span, "of `nth`, `next`, `each` and `percent` one says which calls");
            of.problems.push(problem.hint("keep one of them"));
        }
        calls = Some(match name {
            "nth" => Calls::Nth(n),
            "next" => Calls::Next(n),
            _ => Calls::Each(n),
        });
    }
    calls.unwrap_or_default()
}

/// A share of all calls; a whole one, as Chaos Mesh has it.
fn percent(of: &mut Parameters<'_>) -> Option<Calls> {
    let read = |text: &str| whole(text.trim_end_matches('%'), 1, 100);
    let percent = of.parsed("percent", read, |_| "write a percentage from 1 to 100".to_owned())?;
    (percent < 100).then_some(Calls::Percent(percent as u8))
}

fn status(of: &mut Parameters<'_>, name: &str) -> Option<u8> {
    of.parsed(name, code, |given| did_you_mean(given, &CODES))
}

/// A gRPC status code, by name or number.
pub(super) fn code(text: &str) -> Result<u8, String> {
    let by_name = || CODES.iter().position(|code| *code == text).map(|at| at as u8 + 1);
    let code = text.parse().ok().filter(|code| (1..=16).contains(code)).or_else(by_name);
    code.ok_or_else(|| format!("`{}` is no gRPC status", shorten(text)))
}

fn region_error(of: &mut Parameters<'_>, name: &str) -> Option<RegionError> {
    let p = of.find(name)?;
    let found = REGION_ERRORS.iter().find(|(word, _)| *word == p.value).map(|(_, error)| error.clone());
    if found.is_none() {
        let words = REGION_ERRORS.map(|(word, _)| word);
        let message = format!("`{name}` cannot be `{}`", shorten(&p.value));
        of.problems.push(Problem::error(p.span.clone(), message).hint(did_you_mean(&p.value, &words)));
    }
    found
}

fn cut(of: &mut Parameters<'_>) -> Option<Then> {
    let after = match (of.number("requests"), of.number("responses")) {
        (Some(n), None) => After::Requests(n),
        (None, Some(n)) => After::Responses(n),
        _ => {
            let problem = Problem::error(of.span.clone(), "`stream_cut` needs `requests` or `responses`");
            of.problems.push(problem.hint("as in `stream_cut(responses:2)`: behind the second answer"));
            return None;
        }
    };
    let close = of.choice("close", &[("true", true), ("false", false)], false);
    let silent = of.choice("silent", &[("true", true), ("false", false)], false);
    let how = match (close, silent) {
        (true, true) => {
            let problem = Problem::error(of.span.clone(), "a connection that is closed is not silent");
            of.problems.push(problem.hint("keep one of `close` and `silent`"));
            return None;
        }
        (true, false) => How::Close,
        (false, true) => How::Silence,
        // what a server's stack says of a handler that broke
        (false, false) => How::Reset { code: 2 },
    };
    Some(Then::Cut { after, how })
}

fn ms(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
