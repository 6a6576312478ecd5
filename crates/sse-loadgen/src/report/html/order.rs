//! Whether the server favours those who connected first.

use maud::{Markup, html};

use super::chart::{Frame, Key, Tick, card, px};
use super::scale::{Scale, time_tick};
use crate::report::summary::{Decile, Summary};
use crate::report::units::time;

/// Of the width that a bar has.
const BAR: f64 = 0.64;

pub(super) fn figure(summary: &Summary) -> Option<Markup> {
    let deciles = summary.order_bias.as_slice();
    let (oldest, newest) = summary.oldest_and_newest()?;
    let frame = Frame::HALF;
    let label = format!(
        "Delivery by order of connecting: the oldest tenth of the clients has a median of {}, the newest of {}.",
        time(oldest.p50),
        time(newest.p50)
    );
    let key = |class, label: &str| Key { class, label: label.to_owned() };
    let keys = [key("s1 thick", "median (bar)"), key("s2 solid", "99 % (line)")];
    let about = "Delivery by tenths of the clients, in the order of connecting. Equal bars are fair.";
    Some(card("Order of connecting", about, &keys, &frame.svg("half", &label, &draw(&frame, deciles))))
}

fn draw(frame: &Frame, deciles: &[Decile]) -> Markup {
    let latest = deciles.iter().map(|decile| decile.p99.max(decile.p50)).max().unwrap_or(1) as f64;
    let y = Scale::linear(latest, 4);
    let each = 1.0 / deciles.len() as f64;
    let tick = |index: usize, label: String| Tick { place: (index as f64 + 0.5) * each, label };
    let last = deciles.len() - 1;
    // The ends first: if room is short, they are what has to be told.
    let ends = [tick(0, "oldest".to_owned()), tick(last, "newest".to_owned())];
    let columns =
        ends.into_iter().chain((1..last).map(|index| tick(index, deciles[index].decile.to_string())));
    let bottom = frame.y(0.0);
    html! {
        (frame.rows(&Tick::along(y, 4, |at| time_tick(at, latest))))
        (frame.columns(&columns.collect::<Vec<_>>(), "tenth of the clients"))
        @for (index, decile) in deciles.iter().enumerate() {
            @let from = index as f64 * each;
            @let (left, right) = (frame.x(from + each * (1.0 - BAR) / 2.0), frame.x(from + each * (1.0 + BAR) / 2.0));
            @let (median, p99) = (frame.y(y.place(decile.p50 as f64)), frame.y(y.place(decile.p99 as f64)));
            rect.bar x=(px(left)) width=(px(right - left)) y=(px(median)) height=(px(bottom - median)) rx="2" {}
            line.series.s2.solid x1=(px(left)) x2=(px(right)) y1=(px(p99)) y2=(px(p99)) {}
            @let reading = format!("tenth {}: median {} · 99 % {}", decile.decile, time(decile.p50), time(decile.p99));
            (frame.band(from, from + each, &reading))
        }
    }
}
