//! The chart for the README: bars, drawn by hand, text as text, for light and dark pages alike.

use std::fmt::Write;

use super::Report;
use crate::bench::figures::Name;
use crate::bench::targets::SUBJECT;

/// One set of bars.
struct Panel {
    work: &'static str,
    figure: Name,
    title: &'static str,
    /// Which way is good.
    better: &'static str,
}

const PANELS: &[Panel] = &[
    Panel {
        work: "a",
        figure: Name::Cpu,
        title: "CPU per delivery, 10,000 subscribers × 5 events/s",
        better: "shorter is better",
    },
    Panel {
        work: "c",
        figure: Name::Memory,
        title: "Memory per idle subscriber, of 10,000",
        better: "shorter is better",
    },
    Panel {
        work: "b",
        figure: Name::Deliveries,
        title: "Deliveries per second to 1,000 subscribers, as fast as it goes",
        better: "longer is better",
    },
];

const WIDTH: f64 = 760.0;
/// Where bars begin, and the longest they get: names stand before them, values behind.
const LEFT: f64 = 150.0;
const LONGEST: f64 = 430.0;
const ROW: f64 = 22.0;
const BAR: f64 = 14.0;
const HEAD: f64 = 44.0;

/// An image in a page inherits no colours from it, and has to ask for the scheme itself.
const STYLE: &str = "\
text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.small { fill: #59636e }
.bar { fill: #8c959f }
.ours { fill: #0969da }
.name-ours { font-weight: 600 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .small { fill: #9198a1 }
  .bar { fill: #6e7681 }
  .ours { fill: #4493f8 }
}";

/// Panels without a figure are left out.
pub(super) fn svg(report: &Report<'_>) -> String {
    let (mut body, mut y) = (String::new(), 0.0);
    for panel in PANELS {
        y = draw(report, panel, y, &mut body);
    }
    let height = y + 8.0;
    let about = "This server beside others: CPU, memory and deliveries per second. The figures are in BENCHMARKING.md.";
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"about\">\n<title id=\"about\">{about}</title>\n<style>\n{STYLE}\n</style>\n{body}</svg>\n"
    )
}

/// Where the next one begins.
fn draw(report: &Report<'_>, panel: &Panel, top: f64, body: &mut String) -> f64 {
    let Panel { work, figure, title, better } = panel;
    let bars: Vec<(&str, f64)> = report
        .present()
        .filter_map(|entrant| Some((entrant.name, report.results.median(work, entrant.name, *figure)?)))
        .collect();
    let longest = bars.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    if longest <= 0.0 {
        return top;
    }
    let mut line = |text: std::fmt::Arguments<'_>| {
        // Writing to a string does not fail.
        let _ = writeln!(body, "{text}");
    };
    let base = top + 24.0;
    line(format_args!(
        "<text x=\"8\" y=\"{base}\"><tspan class=\"title\">{}</tspan> <tspan class=\"small\" dx=\"6\">{better}</tspan></text>",
        escaped(title)
    ));
    let mut y = top + HEAD - BAR / 2.0;
    for (name, value) in bars {
        let ours = name == SUBJECT;
        let (bar, label) = if ours { ("bar ours", "name-ours") } else { ("bar", "name") };
        let length = (value.max(0.0) / longest * LONGEST).max(1.0);
        let lost = report.results.lost(work, name).is_some_and(|lost| lost > 0.0);
        let text = figure.unit().text(value);
        let text = if lost { format!("{text}, loses events") } else { text };
        let baseline = y + BAR - 2.5;
        line(format_args!(
            "<text class=\"{label}\" x=\"{}\" y=\"{baseline}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            escaped(name)
        ));
        line(format_args!(
            "<rect class=\"{bar}\" x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"2\"/>"
        ));
        line(format_args!(
            "<text class=\"small\" x=\"{:.1}\" y=\"{baseline}\">{}</text>",
            LEFT + length + 6.0,
            escaped(&text)
        ));
        y += ROW;
    }
    y + 4.0
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::fixture;

    #[test]
    fn bars_are_as_long_as_what_they_stand_for() {
        let svg = svg(&fixture::report());

        for part in [
            "width=\"430.0\" height=\"14\" rx=\"2\"/>\n<text class=\"small\" x=\"586.0\" y=\"",
            "class=\"bar ours\" x=\"150\" y=\"81\" width=\"225.8\"",
            ">12.0 µs, loses events</text>",
            ">0.27 KiB</text>",
            "prefers-color-scheme: dark",
        ] {
            assert!(svg.contains(part), "{part}\n{svg}");
        }
        // Nobody measured the last panel.
        assert!(!svg.contains("as fast as it goes"));
    }

    #[test]
    fn every_opened_text_is_closed() {
        let svg = svg(&fixture::report());
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
        assert_eq!(svg.matches("<tspan").count(), svg.matches("</tspan>").count());
    }

    #[test]
    fn what_means_something_to_xml_is_escaped() {
        assert_eq!(escaped("a<b & c>d"), "a&lt;b &amp; c&gt;d");
    }
}
