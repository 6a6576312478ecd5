//! The run second by second: how late, how many events, how many clients.

use maud::{Markup, html};

use super::chart::{Frame, Key, Tick, card, px};
use super::scale::{Scale, number_tick, time_tick};
use crate::report::summary::{Phase, Summary, Window};
use crate::report::units::{count, number, time};

/// More than this no screen can show; of more, several are drawn as one.
const DRAWN: usize = 240;
const SECOND: f64 = 1e9;
/// From above: the names of the phases, then the panels, each with its name above it.
const TOP: f64 = 40.0;
const LATENCY: f64 = 180.0;
const COUNTS: f64 = 66.0;
const BETWEEN: f64 = 38.0;

pub(super) fn figure(summary: &Summary) -> Option<Markup> {
    let windows = merged(&summary.throughput.windows, DRAWN);
    let end = windows.last()?.t_ns as f64;
    let label = format!(
        "The run over {}: latency, events per second and clients.",
        time(windows.last().map_or(0, |window| window.t_ns))
    );
    let key = |class, label: &str| Key { class, label: label.to_owned() };
    let keys = [key("phase thick", "measured"), key("s1", "median"), key("s2", "99 %")];
    let keys = if latest(&windows).is_some() { &keys[..] } else { &keys[..1] };
    let several = windows.len() < summary.throughput.windows.len();
    let about = if several {
        "Each point is the worst of several seconds. What counts was measured in the shaded part."
    } else {
        "Second by second. What counts was measured in the shaded part."
    };
    let pictures = html! {
        @for (class, frame) in [("wide", Frame::WIDE), ("narrow", Frame::NARROW)] {
            @let height = below(&windows) + COUNTS + BETWEEN + COUNTS + frame.bottom;
            @let frame = Frame { height, ..frame };
            (frame.svg(class, &label, &draw(&frame, summary, &windows, end)))
        }
    };
    Some(card("Timeline", about, keys, &pictures))
}

fn draw(frame: &Frame, summary: &Summary, windows: &[Window], end: f64) -> Markup {
    let below = below(windows);
    let (latency, events) = (frame.panel(TOP, LATENCY), frame.panel(below, COUNTS));
    let clients = frame.panel(below + COUNTS + BETWEEN, COUNTS);
    let ticks = if frame.is_narrow() { 4 } else { 9 };
    let x = Scale::Linear { max: end };
    let seconds = Scale::linear(end / SECOND, ticks).ticks(ticks);
    let seconds: Vec<_> = seconds
        .into_iter()
        .map(|at| Tick { place: at * SECOND / end, label: format!("{} s", number(at)) })
        .filter(|tick| tick.place <= 1.0)
        .collect();
    let per_second = |window: &Window| window.events as f64 / (window.length_ns.max(1) as f64 / SECOND);
    html! {
        @if let Some((from, to)) = measured(windows) {
            @let (from, to) = (frame.x(x.place(from)), frame.x(x.place(to)));
            rect.measured x=(px(from)) width=(px(to - from)) y="20" height=(px(clients.y(0.0) - 20.0)) {}
        }
        @for phase in &summary.run.phases { (phase_label(frame, phase, end)) }
        @if let Some(latest) = latest(windows) { (late(&latency, windows, x, latest as f64)) }
        (area(&events, windows, x, "events per second", per_second))
        (area(&clients, windows, x, "clients", |window| window.clients as f64))
        (clients.columns(&seconds, "since the start"))
        @for window in windows {
            @let (from, to) = (window.t_ns.saturating_sub(window.length_ns) as f64, window.t_ns as f64);
            @let (all, reading) = (frame.panel(TOP, clients.y(0.0) - TOP), reading(window, per_second(window)));
            (all.band(x.place(from), x.place(to), &reading))
        }
    }
}

/// The band between the median and the 99th percentile, and both as lines.
fn late(frame: &Frame, windows: &[Window], x: Scale, latest: f64) -> Markup {
    let y = Scale::linear(latest, 4);
    let line = |of: fn(&Window) -> Option<u64>| {
        frame.path(windows.iter().map(|window| Some((middle(window, x), y.place(of(window)? as f64)))))
    };
    html! {
        text.panel x=(px(frame.x(0.0))) y=(px(frame.top - 6.0)) { "delivery" }
        (frame.rows(&Tick::along(y, 4, |at| time_tick(at, latest))))
        @for run in windows.chunk_by(|a, b| a.p50.is_some() == b.p50.is_some()) {
            path.between d=(between(frame, run, x, y)) {}
        }
        path.series.s2 d=(line(|window| window.p99)) {}
        path.series.s1 d=(line(|window| window.p50)) {}
    }
}

fn between(frame: &Frame, windows: &[Window], x: Scale, y: Scale) -> String {
    let edge = |of: fn(&Window) -> Option<u64>| {
        move |window: &Window| Some((middle(window, x), y.place(of(window)? as f64)))
    };
    let there = windows.iter().map(edge(|window| window.p99));
    let back = windows.iter().rev().map(edge(|window| window.p50));
    let path = frame.path(there.chain(back));
    if path.is_empty() { path } else { path + "Z" }
}

fn area(frame: &Frame, windows: &[Window], x: Scale, title: &str, of: impl Fn(&Window) -> f64) -> Markup {
    let most = windows.iter().map(&of).fold(0.0, f64::max);
    let y = Scale::linear(most, 2);
    let top = windows.iter().map(|window| (middle(window, x), y.place(of(window))));
    let (first, last) =
        (windows.first().map_or(0.0, |w| middle(w, x)), windows.last().map_or(0.0, |w| middle(w, x)));
    let outline = std::iter::once((first, 0.0)).chain(top.clone()).chain([(last, 0.0)]);
    html! {
        text.panel x=(px(frame.x(0.0))) y=(px(frame.top - 6.0)) { (title) }
        (frame.rows(&Tick::along(y, 2, number_tick)))
        path.area d=(frame.path(outline.map(Some))) {}
        path.series.s1.solid d=(frame.path(top.map(Some))) {}
    }
}

fn phase_label(frame: &Frame, phase: &Phase, end: f64) -> Markup {
    /// Of a letter, at most.
    const LETTER: f64 = 6.6;
    let (from, to) = (phase.start_ns as f64 / end, phase.end_ns as f64 / end);
    let (left, right) = (frame.x(from.min(1.0)), frame.x(to.min(1.0)));
    let fits = phase.name.len() as f64 * LETTER < right - left;
    html! {
        @if fits {
            text.note x=(px((left + right) / 2.0)) y="14" text-anchor="middle" { (phase.name) }
        }
    }
}

fn reading(window: &Window, per_second: f64) -> String {
    let late = match (window.p50, window.p99) {
        (Some(p50), Some(p99)) => format!("median {} · 99 % {} · ", time(p50), time(p99)),
        _ => String::new(),
    };
    let (at, clients) = (time(window.t_ns), count(window.clients));
    format!("at {at}: {late}{} events/s · {clients} clients", number(per_second))
}

/// The latest 99th percentile; none if nothing was delivered, as far as is known.
fn latest(windows: &[Window]) -> Option<u64> {
    windows.iter().filter_map(|window| window.p99).max()
}

/// Where the second panel begins.
fn below(windows: &[Window]) -> f64 {
    if latest(windows).is_some() { TOP + LATENCY + BETWEEN } else { TOP }
}

fn middle(window: &Window, x: Scale) -> f64 {
    x.place(window.t_ns as f64 - window.length_ns as f64 / 2.0)
}

fn measured(windows: &[Window]) -> Option<(f64, f64)> {
    let first = windows.iter().find(|window| window.measured)?;
    let last = windows.iter().rfind(|window| window.measured)?;
    Some((first.t_ns.saturating_sub(first.length_ns) as f64, last.t_ns as f64))
}

/// At most so many windows, each the worst of those that it stands for: percentiles cannot be averaged.
fn merged(windows: &[Window], at_most: usize) -> Vec<Window> {
    let each = windows.len().div_ceil(at_most).max(1);
    let worst = |several: &[Window]| {
        let last = *several.last()?;
        Some(Window {
            length_ns: several.iter().map(|window| window.length_ns).sum(),
            clients: several.iter().map(|window| window.clients).min()?,
            events: several.iter().map(|window| window.events).sum(),
            bytes: several.iter().map(|window| window.bytes).sum(),
            p50: several.iter().filter_map(|window| window.p50).max(),
            p99: several.iter().filter_map(|window| window.p99).max(),
            max: several.iter().filter_map(|window| window.max).max(),
            ..last
        })
    };
    windows.chunks(each).filter_map(worst).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_many_seconds_is_shown() {
        let window = |t: u64| Window {
            t_ns: t,
            length_ns: 1,
            events: 2,
            p99: Some(t),
            clients: t,
            ..Window::default()
        };
        let windows: Vec<_> = (1..=1_000).map(window).collect();
        let merged = merged(&windows, 240);
        assert_eq!(merged.len(), 200);
        assert_eq!(
            (merged[0].events, merged[0].p99, merged[0].clients, merged[0].length_ns),
            (10, Some(5), 1, 5)
        );
        assert_eq!(merged.iter().map(|window| window.events).sum::<u64>(), 2_000);
    }
}
