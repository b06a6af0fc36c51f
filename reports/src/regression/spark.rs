//! A cell's nights as bars: how much of its budget a night's median run took, and whether any failed.

use maud::{Markup, html};
use unstuck_record::Span;

use super::{Line, Point, Report};

/// Pixels a night.
const STEP: usize = 7;
/// Pixels of a bar's width.
const WIDE: usize = 5;
/// Pixels of the height.
const HIGH: u64 = 26;

/// The bars of a cell, oldest night left. `night` gives a night's page.
pub(super) fn bars(report: &Report, line: &Line, night: &dyn Fn(usize) -> Option<String>) -> Markup {
    let width = report.nights.len() * STEP;
    html! {
        svg.spark width=(width) height=(HIGH + 1) viewBox=(format!("0 0 {width} {}", HIGH + 1)) role="img"
            aria-label=(summary(line))
        {
            path.floor d=(format!("M0 {HIGH}.5H{width}")) {}
            @for point in &line.points {
                @match night(point.night) {
                    Some(page) => a href=(format!("{page}#{}", line.anchor)) { (bar(report, point)) },
                    None => (bar(report, point)),
                }
            }
        }
    }
}

fn bar(report: &Report, point: &Point) -> Markup {
    let class = if point.unknown == point.runs { "none" } else { "good" };
    let (x, high) = (point.night * STEP + 1, height(point));
    let failed = (high * point.bad).div_ceil(point.runs.max(1)).max(4).min(high);
    // where colours are not told apart, a failure is told by the mark on top of it
    html! {
        g.(class) {
            title { (tip(report, point)) }
            rect.hit x=(point.night * STEP) width=(STEP) height=(HIGH) {}
            rect x=(x) y=(HIGH - high) width=(WIDE) height=(high) {}
            @if point.bad > 0 {
                rect.bad x=(x) y=(HIGH - failed) width=(WIDE) height=(failed) {}
                rect.mark x=(x) y="0" width=(WIDE) height="3" {}
            }
        }
    }
}

/// The share of the budget, but never nothing and never more than all of it.
fn height(point: &Point) -> u64 {
    let share = point.time_ms.saturating_mul(HIGH) / point.budget_ms.max(1);
    share.clamp(4, HIGH)
}

fn tip(report: &Report, point: &Point) -> String {
    let night = &report.nights[point.night];
    let failed = match point.bad {
        0 if point.unknown == point.runs => "shows nothing".to_owned(),
        0 => format!("{} passed", point.runs - point.unknown),
        bad => format!("{bad} of {} failed", point.runs),
    };
    let (time, budget) = (Span(point.time_ms), Span(point.budget_ms));
    format!("{}: {failed}, {time} of {budget}", super::told::when(night))
}

/// For those who cannot see the bars.
fn summary(line: &Line) -> String {
    let bad = line.points.iter().filter(|point| point.bad > 0).count();
    format!("failed in {bad} of {} nights", line.points.len())
}
