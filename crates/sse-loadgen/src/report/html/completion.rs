//! Fan-out completion: how long until so many of the clients had an event.

use maud::{Markup, html};

use super::chart::{Frame, Key, Tick, card, px};
use super::scale::{Scale, time_tick};
use crate::report::summary::{Fanout, Summary};
use crate::report::units::{NONE, count_of, time};

/// Percent per place to point at.
const SLICE: u32 = 5;

type Curve<'a> = &'a [(f64, u64)];

pub(super) fn figure(summary: &Summary) -> Option<Markup> {
    let fanout = summary.fanout.as_ref()?;
    let frame = Frame::HALF;
    if fanout.median_curve.is_empty() {
        return None;
    }
    let key = |class, label: &str| Key { class, label: label.to_owned() };
    let keys = [key("s1", "median event"), key("s2", "worst 1 % of events")];
    let keys = if fanout.worst_curve.is_empty() { &keys[..1] } else { &keys };
    let last = |curve: Curve<'_>| {
        curve.last().map_or_else(|| NONE.to_owned(), |(share, at)| format!("{share} % after {}", time(*at)))
    };
    let label = format!(
        "Share of clients that have an event over time: the median event has {}, the worst hundredth {}.",
        last(&fanout.median_curve),
        last(&fanout.worst_curve)
    );
    let about =
        format!("Over {}: how many of the clients had it after how long.", count_of(fanout.events, "event"));
    Some(card("Fan-out completion", &about, keys, &frame.svg("half", &label, &draw(&frame, fanout))))
}

fn draw(frame: &Frame, fanout: &Fanout) -> Markup {
    let curves = [("s1", fanout.median_curve.as_slice()), ("s2", fanout.worst_curve.as_slice())];
    let latest = curves.iter().flat_map(|(_, curve)| *curve).map(|(_, at)| *at).max().unwrap_or(1);
    let x = Scale::linear(latest.max(fanout.drain_floor_ns) as f64, 5);
    let y = Scale::Linear { max: 100.0 };
    html! {
        (frame.rows(&Tick::along(y, 5, |percent| format!("{percent} %"))))
        (frame.columns(&Tick::along(x, 5, |at| time_tick(at, latest as f64)), "since the planned time"))
        @if fanout.drain_floor_ns > 0 {
            @let at = frame.x(x.place(fanout.drain_floor_ns as f64));
            line.limit x1=(px(at)) x2=(px(at)) y1=(px(frame.y(0.0))) y2=(px(frame.y(1.0))) {}
            text.note x=(px(at + 5.0)) y=(px(frame.y(0.0) - 8.0)) { "drain floor " (time(fanout.drain_floor_ns)) }
        }
        @for (class, curve) in curves {
            @let points = curve.iter().map(|(share, at)| Some((x.place(*at as f64), y.place(*share))));
            path.series.(class) d=(frame.path(points)) {}
        }
        @for slice in 0..100 / SLICE {
            @let (from, to) = (f64::from(slice * SLICE), f64::from((slice + 1) * SLICE));
            (frame.slice(from / 100.0, to / 100.0, &reading(fanout, to)))
        }
    }
}

fn reading(fanout: &Fanout, share: f64) -> String {
    let at = |curve: Curve<'_>| {
        let reached = curve.iter().find(|(percent, _)| *percent >= share);
        reached.map_or_else(|| "never".to_owned(), |(_, at)| time(*at))
    };
    format!(
        "{share} % of clients: median event {} · worst 1 % {}",
        at(&fanout.median_curve),
        at(&fanout.worst_curve)
    )
}
