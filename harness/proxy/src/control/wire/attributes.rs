//! The parameters of each type of toxic. Each is said once, and read and written by it.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Map, Value};

use super::share;
use crate::control::error::Refused;
use crate::control::request::Members;
use crate::toxic::h2::{Delay, Goaway, Hold, MaxStreams, Refuse, Reset, Status};
use crate::toxic::{
    Bandwidth, Corrupt, Distribution, H2, Kind, Latency, LimitData, Loss, Reorder, ResetPeer, Slicer,
    SlowClose, Timeout,
};

/// The type of this name, with Toxiproxy's defaults: zeros.
pub(super) fn kind_of_type(name: &str) -> Option<Kind> {
    let kinds = [
        Kind::Noop,
        Kind::Latency(Latency::default()),
        Kind::Bandwidth(Bandwidth { rate: 0, burst: 0 }),
        Kind::SlowClose(SlowClose::default()),
        Kind::Timeout(Timeout { timeout: Duration::ZERO }),
        Kind::ResetPeer(ResetPeer { timeout: Duration::ZERO }),
        Kind::Slicer(Slicer { average_size: 0, ..Slicer::default() }),
        Kind::LimitData(LimitData::default()),
        Kind::Blackhole,
        Kind::StallRead,
        Kind::Freeze,
        Kind::HalfOpen,
        Kind::Refuse,
        Kind::ConnectHang,
        Kind::Loss(Loss::default()),
        Kind::Reorder(Reorder::default()),
        Kind::Corrupt(Corrupt::default()),
    ];
    let of_http2 = [
        H2::DropPingAcks,
        H2::Hold(Hold::default()),
        H2::Delay(Delay::default()),
        H2::Refuse(Refuse::default()),
        H2::Reset(Reset::default()),
        H2::Status(Status::default()),
        H2::Goaway(Goaway::default()),
        H2::MaxStreams(MaxStreams { limit: 0 }),
    ];
    kinds.into_iter().chain(of_http2.map(Kind::H2)).find(|kind| kind.name() == name)
}

/// Changes what is mentioned.
pub(super) fn read(kind: &mut Kind, members: Members<'_>) -> Result<(), Refused> {
    let mut pass = Read { members, known: vec![], refused: None };
    let of_toxiproxy = visit(kind, &mut pass);
    if let Some(refused) = pass.refused {
        return Err(refused);
    }
    // Toxiproxy ignores what it does not know
    if of_toxiproxy { Ok(()) } else { members.only(&pass.known) }
}

pub(super) fn write(kind: &Kind) -> Value {
    let mut pass = Write::default();
    visit(&mut Kind::clone(kind), &mut pass);
    pass.written.into()
}

/// Whether Toxiproxy has the type.
pub(super) fn is_toxiproxys(kind: &Kind) -> bool {
    visit(&mut Kind::clone(kind), &mut Write::default())
}

/// Those that Toxiproxy has.
pub(super) fn write_theirs(kind: &Kind) -> Value {
    let mut pass = Write { theirs_only: true, ..Write::default() };
    visit(&mut Kind::clone(kind), &mut pass);
    pass.written.into()
}

/// Whether the type is Toxiproxy's.
fn visit(kind: &mut Kind, pass: &mut dyn Pass) -> bool {
    match kind {
        Kind::Noop => true,
        Kind::Latency(Latency { latency, jitter, distribution, correlation }) => {
            pass.time("latency", MS, latency);
            pass.time("jitter", MS, jitter);
            pass.ours();
            spread(pass, "distribution", distribution);
            pass.share("correlation", correlation);
            true
        }
        Kind::Bandwidth(Bandwidth { rate, burst }) => {
            pass.whole("rate", KB, rate);
            pass.ours();
            pass.whole("burst", 1, burst);
            true
        }
        Kind::SlowClose(SlowClose { delay }) => {
            pass.time("delay", MS, delay);
            true
        }
        Kind::Timeout(Timeout { timeout }) | Kind::ResetPeer(ResetPeer { timeout }) => {
            pass.time("timeout", MS, timeout);
            true
        }
        Kind::Slicer(Slicer { average_size, size_variation, delay }) => {
            pass.whole("average_size", 1, average_size);
            pass.whole("size_variation", 1, size_variation);
            pass.time("delay", US, delay);
            true
        }
        Kind::LimitData(LimitData { bytes }) => {
            pass.whole("bytes", 1, bytes);
            true
        }
        Kind::Loss(Loss { rate, correlation, timeout }) => {
            pass.share("rate", rate);
            pass.share("correlation", correlation);
            pass.time("timeout", MS, timeout);
            false
        }
        Kind::Reorder(Reorder { rate, correlation, delay }) => {
            pass.share("rate", rate);
            pass.share("correlation", correlation);
            pass.time("delay", MS, delay);
            false
        }
        Kind::Corrupt(Corrupt { rate }) => {
            pass.share("rate", rate);
            false
        }
        Kind::H2(what) => {
            visit_h2(what, pass);
            false
        }
        Kind::Blackhole
        | Kind::StallRead
        | Kind::Freeze
        | Kind::HalfOpen
        | Kind::Refuse
        | Kind::ConnectHang => false,
    }
}

fn visit_h2(what: &mut H2, pass: &mut dyn Pass) {
    match what {
        H2::DropPingAcks => {}
        H2::Hold(Hold { path, part }) => {
            word(pass, "path", path);
            word(pass, "part", part);
        }
        H2::Delay(Delay { path, part, delay }) => {
            word(pass, "path", path);
            word(pass, "part", part);
            pass.time("delay", MS, delay);
        }
        H2::Refuse(Refuse { path, nth, error }) => {
            word(pass, "path", path);
            pass.whole("nth", 1, nth);
            word(pass, "error", error);
        }
        H2::Reset(Reset { path, nth, part, error }) => {
            word(pass, "path", path);
            pass.whole("nth", 1, nth);
            word(pass, "part", part);
            word(pass, "error", error);
        }
        H2::Status(Status { path, nth, status, message }) => {
            word(pass, "path", path);
            pass.whole("nth", 1, nth);
            pass.short("status", status);
            word(pass, "message", message);
        }
        H2::Goaway(Goaway { error, last_stream, after_streams, after }) => {
            word(pass, "error", error);
            pass.maybe_short("last_stream", last_stream);
            pass.whole("after_streams", 1, after_streams);
            pass.time("after", MS, after);
        }
        H2::MaxStreams(MaxStreams { limit }) => pass.short("limit", limit),
    }
}

const MS: Duration = Duration::from_millis(1);
const US: Duration = Duration::from_micros(1);
/// Toxiproxy's kilobyte.
const KB: u64 = 1000;

type Set<'a> = &'a mut dyn FnMut(&str) -> Result<(), String>;

/// What is done with each parameter, in order. A unit is what 1 stands for.
trait Pass {
    fn time(&mut self, name: &'static str, unit: Duration, value: &mut Duration);
    fn whole(&mut self, name: &'static str, unit: u64, value: &mut u64);
    fn short(&mut self, name: &'static str, value: &mut u32);
    fn maybe_short(&mut self, name: &'static str, value: &mut Option<u32>);
    /// 0 to 1.
    fn share(&mut self, name: &'static str, value: &mut f64);
    /// What it is, whether that is the default, and what makes it something else or says what is wrong.
    fn text(&mut self, name: &'static str, is: &str, unset: bool, set: Set<'_>);
    /// What follows is not Toxiproxy's.
    fn ours(&mut self);
}

struct Read<'a> {
    members: Members<'a>,
    known: Vec<&'static str>,
    /// The first that was wrong.
    refused: Option<Refused>,
}

impl Read<'_> {
    fn take<T>(&mut self, name: &'static str, read: Result<Option<T>, Refused>) -> Option<T> {
        self.known.push(name);
        read.unwrap_or_else(|refused| {
            self.refused.get_or_insert(refused);
            None
        })
    }
}

impl Pass for Read<'_> {
    fn time(&mut self, name: &'static str, unit: Duration, value: &mut Duration) {
        if let Some(units) = self.take(name, self.members.whole(name)) {
            *value = if unit == US { Duration::from_micros(units) } else { Duration::from_millis(units) };
        }
    }

    fn whole(&mut self, name: &'static str, unit: u64, value: &mut u64) {
        if let Some(units) = self.take(name, self.members.whole(name)) {
            *value = units.saturating_mul(unit);
        }
    }

    fn share(&mut self, name: &'static str, value: &mut f64) {
        if let Some(share) = self.take(name, self.members.share(name)) {
            *value = share;
        }
    }

    fn text(&mut self, name: &'static str, _: &str, _: bool, set: Set<'_>) {
        let Some(text) = self.take(name, self.members.text(name)) else { return };
        if let Err(wrong) = set(text) {
            self.refused.get_or_insert(self.members.wrong(name, &wrong));
        }
    }

    fn short(&mut self, name: &'static str, value: &mut u32) {
        let mut read = None;
        self.maybe_short(name, &mut read);
        *value = read.unwrap_or(*value);
    }

    fn maybe_short(&mut self, name: &'static str, value: &mut Option<u32>) {
        let Some(wide) = self.take(name, self.members.whole(name)) else { return };
        if let Ok(short) = u32::try_from(wide) {
            *value = Some(short);
        } else {
            let must = "a whole number from 0 to 4294967295";
            self.refused.get_or_insert(self.members.refused(name, must, wide));
        }
    }

    fn ours(&mut self) {}
}

/// What is not Toxiproxy's is written only where it says something, so that clients that want whole numbers find nothing else.
#[derive(Default)]
struct Write {
    written: Map<String, Value>,
    ours: bool,
    theirs_only: bool,
}

impl Write {
    fn put(&mut self, name: &str, unset: bool, value: Value) {
        if !(self.ours && (unset || self.theirs_only)) {
            self.written.insert(name.to_owned(), value);
        }
    }
}

impl Pass for Write {
    fn time(&mut self, name: &'static str, unit: Duration, value: &mut Duration) {
        let units = u64::try_from(value.as_nanos() / unit.as_nanos()).unwrap_or(u64::MAX);
        self.put(name, value.is_zero(), units.into());
    }

    fn whole(&mut self, name: &'static str, unit: u64, value: &mut u64) {
        self.put(name, *value == 0, (*value / unit).into());
    }

    fn share(&mut self, name: &'static str, value: &mut f64) {
        self.put(name, *value == 0.0, share(*value));
    }

    fn short(&mut self, name: &'static str, value: &mut u32) {
        self.put(name, *value == 0, (*value).into());
    }

    fn maybe_short(&mut self, name: &'static str, value: &mut Option<u32>) {
        if let Some(value) = *value {
            self.put(name, false, value.into());
        }
    }

    fn text(&mut self, name: &'static str, is: &str, unset: bool, _: Set<'_>) {
        self.put(name, unset, is.into());
    }

    fn ours(&mut self) {
        self.ours = true;
    }
}

const SPREADS: [(&str, Distribution); 3] =
    [("uniform", Distribution::Uniform), ("normal", Distribution::Normal), ("pareto", Distribution::Pareto)];

fn spread(pass: &mut dyn Pass, name: &'static str, value: &mut Distribution) {
    let (is, _) = SPREADS.into_iter().find(|(_, spread)| spread == value).expect("each has a name");
    let unset = *value == Distribution::default();
    pass.text(name, is, unset, &mut |text| {
        let found = SPREADS.into_iter().find(|(known, _)| *known == text);
        let wrong = || format!("must be `uniform`, `normal` or `pareto`, not `{text}`");
        *value = found.ok_or_else(wrong)?.1;
        Ok(())
    });
}

/// What is read as it is written.
fn word<T: FromStr<Err: Display> + Display>(pass: &mut dyn Pass, name: &'static str, value: &mut T) {
    let is = value.to_string();
    pass.text(name, &is, false, &mut |text| {
        *value = text.parse().map_err(|wrong| format!("is wrong: {wrong}"))?;
        Ok(())
    });
}
