//! The percentile curve: how late the latest so-manieth was. Every step to the right is ten times as rare.

use maud::{Markup, html};

use super::chart::{Frame, Key, Tick, card, px};
use super::scale::{Scale, time_tick};
use crate::report::summary::{Distribution, Summary};
use crate::report::units::{count, share, time};

/// Points per factor of ten.
const STEPS: u32 = 20;
/// Places to point at per factor of ten.
const BANDS: u32 = 4;
/// Beyond this a straight axis would show the median as zero.
const TOO_STEEP: f64 = 50.0;

/// What runs are about, the first that was measured decides.
const SETS: [[(&str, &str); 3]; 4] = [
    [("delivery", "delivery"), ("delivery_wire", "until the kernel had it"), ("replayed", "replayed")],
    [("first_token", "first token"), ("between_tokens", "between tokens"), ("stream", "whole answer")],
    [("spread", "from the first client to the last"), ("gap", "between two events"), ("lag", "read late")],
    [("headers", "headers"), ("connect", "TCP connect"), ("first_event", "first event")],
];

struct Curve {
    key: Key,
    /// How late, by how rare.
    points: Vec<(f64, Option<u64>)>,
}

pub(super) fn figure(summary: &Summary) -> Option<Markup> {
    let set = SETS.iter().find(|set| times(summary, set[0].0).is_some())?;
    let main = times(summary, set[0].0)?;
    let expected =
        if set[0].0 == "delivery" { summary.delivery.measured.max(main.count) } else { main.count };
    let missing = expected - main.count;
    let rarest = (expected as f64).log10().clamp(2.0, 9.0);
    let mut curves: Vec<_> = set
        .iter()
        .zip(["s1", "s3", "s4"])
        .filter_map(|((name, label), class)| Some((times(summary, name)?, label, class)))
        .map(|(times, label, class)| Curve::new(times, times.count, rarest, class, label))
        .collect();
    if missing > 0 {
        curves.insert(
            1,
            Curve::new(main, expected, rarest, "s2", "of all expected: what never came is the latest"),
        );
    }
    let keys: Vec<_> = curves.iter().map(|curve| curve.key.clone()).collect();
    let label = format!(
        "Percentiles of {}: median {}, 99th percentile {}, longest {}, of {} samples.",
        set[0].1,
        time(main.at("50").unwrap_or(0)),
        time(main.at("99").unwrap_or(0)),
        time(main.max),
        count(main.count)
    );
    let lost = (missing > 0).then(|| (expected as f64 / missing as f64).log10());
    let pictures = html! {
        @for (class, frame) in [("wide", Frame::WIDE), ("narrow", Frame::NARROW)] {
            (frame.svg(class, &label, &draw(&frame, &curves, rarest, lost)))
        }
    };
    let about = if set[0].0 == "delivery" {
        "From the planned time of an event until a client had read it. Each mark to the right is ten times as rare."
    } else {
        "Each mark to the right is ten times as rare."
    };
    Some(card("Latency by percentile", about, &keys, &pictures))
}

fn times<'a>(summary: &'a Summary, name: &str) -> Option<&'a Distribution> {
    let spread = || summary.fanout.as_ref().map(|fanout| &fanout.spread).filter(|spread| spread.count > 0);
    if name == "spread" { spread() } else { summary.measured(name) }
}

impl Curve {
    fn new(times: &Distribution, expected: u64, rarest: f64, class: &'static str, label: &str) -> Self {
        // A sample of a thousand says nothing about one in a million.
        let end = (times.count.max(1) as f64).log10().min(rarest);
        let steps = (rarest * f64::from(STEPS)).ceil() as u32;
        let rarities =
            (0..=steps).map(|step| f64::from(step) / f64::from(STEPS)).filter(|rarity| *rarity <= end);
        let points = rarities.chain([end]).map(|rarity| {
            let at = times.hdr.percentile_of(percent(rarity), expected);
            (rarity, at.and_then(|at| u64::try_from(at.as_nanos()).ok()))
        });
        Self { points: points.collect(), key: Key { class, label: label.to_owned() } }
    }

    fn at(&self, rarity: f64) -> Option<u64> {
        self.points.iter().find(|(at, _)| *at >= rarity - 1e-9).and_then(|(_, time)| *time)
    }
}

fn draw(frame: &Frame, curves: &[Curve], rarest: f64, lost: Option<f64>) -> Markup {
    let times = || {
        curves.iter().flat_map(|curve| &curve.points).filter_map(|(_, time)| *time).map(|time| time as f64)
    };
    let (low, high) = (times().fold(f64::MAX, f64::min), times().fold(1.0, f64::max));
    let medians = curves.iter().filter_map(|curve| curve.at(0.3)).min().unwrap_or(1).max(1) as f64;
    let y = if high / medians > TOO_STEEP { Scale::log(low, high) } else { Scale::linear(high, 5) };
    let rows =
        Tick::along(y, 5, |tick| time_tick(tick, if matches!(y, Scale::Log { .. }) { tick } else { high }));
    let x = |rarity: f64| rarity / rarest;
    html! {
        (frame.rows(&rows))
        (frame.columns(&columns(rarest), "percentile"))
        @for curve in curves.iter().rev() {
            @let points = curve.points.iter().map(|&(rarity, time)| Some((x(rarity), y.place(time? as f64))));
            path.series.(curve.key.class) d=(frame.path(points)) {}
        }
        @if let Some(lost) = lost.filter(|lost| *lost < rarest) {
            @let at = frame.x(x(lost));
            line.limit x1=(px(at)) x2=(px(at)) y1=(px(frame.y(0.0))) y2=(px(frame.y(1.0))) {}
            // Towards the middle, where there is room.
            @let (anchor, aside) = if x(lost) > 0.5 { ("end", -6.0) } else { ("start", 6.0) };
            text.note x=(px(at + aside)) y=(px(frame.y(1.0) + 10.0)) text-anchor=(anchor) { "the rest never came" }
        }
        @for band in 0..(rarest * f64::from(BANDS)) as u32 {
            @let (from, to) = (f64::from(band) / f64::from(BANDS), f64::from(band + 1) / f64::from(BANDS));
            (frame.band(x(from), x(to).min(1.0), &reading(curves, to.min(rarest))))
        }
    }
}

fn reading(curves: &[Curve], rarity: f64) -> String {
    let times = curves.iter().map(|curve| {
        let at = curve.at(rarity).map_or_else(|| "none".to_owned(), time);
        let label = curve.key.label.split(':').next().unwrap_or_default();
        format!("{label} {at}")
    });
    format!("{}: {}", share(percent(rarity) / 100.0), times.collect::<Vec<_>>().join(" · "))
}

/// 0, 90, 99, 99.9 …
fn columns(rarest: f64) -> Vec<Tick> {
    let nines = (0..=rarest.floor() as u32).map(|nines| {
        let label = match nines {
            0 => "0".to_owned(),
            1 => "90 %".to_owned(),
            2 => "99 %".to_owned(),
            _ => format!("99.{} %", "9".repeat(nines as usize - 2)),
        };
        Tick { place: f64::from(nines) / rarest, label }
    });
    let median = Tick { place: 2_f64.log10() / rarest, label: "50 %".to_owned() };
    // The median last: it is left out where there is no room.
    nines.chain([median]).collect()
}

/// One in ten to the power of this is above.
fn percent(rarity: f64) -> f64 {
    100.0 * (1.0 - 10_f64.powf(-rarity))
}
