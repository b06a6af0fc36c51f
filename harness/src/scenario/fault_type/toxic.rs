//! What the proxies of links do besides, in the words of their toxics: `limit_data(bytes:1MiB)`, `h2_goaway(after:10s)`.
//!
//! All of them take limits: `toxicity` (the share of connections), `connection` (the how many-th of its link), `afterBytes`
//! (not before), `during` (not longer).

use unstuck_proxy::Toxic;
use unstuck_proxy::toxic::h2::{
    Delay, ErrorCode, Goaway, Hold, MaxStreams, Part, Paths, Refuse, Reset, Status,
};
use unstuck_proxy::toxic::{Corrupt, H2, Kind, LimitData, Only, ResetPeer, Slicer, SlowClose, Timeout};

use super::super::diagnostic::Problem;
use super::super::fields::shorten;
use super::Direction;
use super::parameters::Parameters;

/// Reads the parameters of a toxic's word. What is wrong with them is among the problems.
pub(super) fn read(of: &mut Parameters<'_>) -> Option<(Direction, Toxic)> {
    let before = of.problems.len();
    let kind = kind(of);
    let about_http2 = matches!(kind, Some(Kind::H2(_)));
    let direction = of.direction(if about_http2 { Direction::From } else { Direction::Both });
    let only = Only {
        connection: of.number("connection"),
        client: None,
        after_bytes: of.size("afterBytes").unwrap_or_default(),
        during: of.duration("during"),
    };
    let toxicity = of.share("toxicity").unwrap_or(1.0);
    let toxic = Toxic { toxicity, only, ..Toxic::new(kind?) };
    if of.problems.len() > before {
        return None;
    }
    if let Err(invalid) = toxic.check() {
        let problem = Problem::error(of.span.clone(), format!("`{}`: {invalid}", of.word.name));
        of.problems.push(problem.hint(format!("as in `{}`", of.word.example)));
        return None;
    }
    // what concerns the whole connection is done once
    let whole = match toxic.kind {
        Kind::HalfOpen => true,
        Kind::ResetPeer(_) => toxic.only.after_bytes == 0,
        _ => false,
    };
    Some((if whole { Direction::From } else { direction }, toxic))
}

fn kind(of: &mut Parameters<'_>) -> Option<Kind> {
    Some(match of.word.name {
        "half_open" => Kind::HalfOpen,
        "slow_close" => Kind::SlowClose(SlowClose { delay: of.required("delay", Parameters::duration)? }),
        "timeout" => Kind::Timeout(Timeout { timeout: of.duration("timeout").unwrap_or_default() }),
        "reset_peer" => Kind::ResetPeer(ResetPeer { timeout: of.duration("timeout").unwrap_or_default() }),
        "slicer" => Kind::Slicer(Slicer {
            average_size: of.required("average_size", Parameters::size)?,
            size_variation: of.size("size_variation").unwrap_or_default(),
            delay: of.duration("delay").unwrap_or_default(),
        }),
        "limit_data" => Kind::LimitData(LimitData { bytes: of.required("bytes", Parameters::size)? }),
        "corrupt" => Kind::Corrupt(Corrupt { rate: of.required("rate", Parameters::share)? }),
        _ => Kind::H2(http2(of)?),
    })
}

fn http2(of: &mut Parameters<'_>) -> Option<H2> {
    Some(match of.word.name {
        "h2_drop_ping_acks" => H2::DropPingAcks,
        "h2_hold" => H2::Hold(Hold { path: path(of), part: part(of) }),
        "h2_delay" => H2::Delay(Delay {
            path: path(of),
            part: part(of),
            delay: of.required("delay", Parameters::duration)?,
        }),
        "h2_refuse" => {
            H2::Refuse(Refuse { path: path(of), nth: nth(of), error: error(of, ErrorCode::REFUSED_STREAM) })
        }
        "h2_reset" => H2::Reset(Reset {
            path: path(of),
            nth: nth(of),
            part: part(of),
            error: error(of, ErrorCode::CANCEL),
        }),
        "h2_status" => {
            let default = Status::default();
            H2::Status(Status {
                path: path(of),
                nth: nth(of),
                status: of
                    .parsed("status", super::answers::code, |_| "as in `status:UNAVAILABLE`".to_owned())
                    .map_or(default.status, u32::from),
                message: of.find("message").map_or_else(|| "a fault of the scenario".to_owned(), |p| p.value),
            })
        }
        "h2_goaway" => H2::Goaway(Goaway {
            error: error(of, ErrorCode::NO_ERROR),
            last_stream: of.number("last_stream"),
            after_streams: of.number("after_streams").unwrap_or_default(),
            after: of.duration("after").unwrap_or_default(),
        }),
        _ => H2::MaxStreams(MaxStreams { limit: of.required("limit", Parameters::number)? }),
    })
}

fn path(of: &mut Parameters<'_>) -> Paths {
    let read = |text: &str| match text.parse() {
        Ok(Paths::Exact(path) | Paths::Prefix(path)) if !path.starts_with('/') => {
            Err(format!("`{}` is no path", shorten(&path)))
        }
        Ok(paths) => Ok(paths),
        Err(never) => match never {},
    };
    of.parsed("path", read, |_| "write `/tikvpb.Tikv/RawPut`, `/tikvpb.Tikv/*` or `*`".to_owned())
        .unwrap_or_default()
}

fn part(of: &mut Parameters<'_>) -> Part {
    of.choice(
        "part",
        &[("headers", Part::Headers), ("data", Part::Data), ("trailers", Part::Trailers)],
        Part::Headers,
    )
}

fn nth(of: &mut Parameters<'_>) -> u64 {
    of.number("nth").unwrap_or_default()
}

fn error(of: &mut Parameters<'_>, default: ErrorCode) -> ErrorCode {
    of.parsed("error", str::parse, |_| "as in `error:REFUSED_STREAM`".to_owned()).unwrap_or(default)
}
