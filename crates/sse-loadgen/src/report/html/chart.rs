//! What all charts share: a frame, its axes, lines and places to point at.

use maud::{Markup, html};

use super::scale::Scale;

/// Where a chart draws, in units of its view box; letters are 12 of them high.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

/// A value that has a line across the chart and a label.
#[derive(Clone, Debug)]
pub(super) struct Tick {
    /// From 0 to 1 along its axis.
    pub(super) place: f64,
    pub(super) label: String,
}

/// How a line is drawn and told from others, also without colour.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// `s1` to `s3`.
    pub(super) class: &'static str,
    pub(super) label: String,
}

impl Frame {
    /// For a screen that has room.
    pub(super) const WIDE: Self =
        Self { width: 880.0, height: 320.0, left: 64.0, right: 16.0, top: 14.0, bottom: 44.0 };
    /// For a phone.
    pub(super) const NARROW: Self =
        Self { width: 340.0, height: 260.0, left: 52.0, right: 10.0, top: 12.0, bottom: 44.0 };
    /// For a chart beside another.
    pub(super) const HALF: Self =
        Self { width: 380.0, height: 280.0, left: 56.0, right: 16.0, top: 14.0, bottom: 44.0 };

    pub(super) fn x(&self, place: f64) -> f64 {
        self.left + place * (self.width - self.left - self.right)
    }

    pub(super) fn y(&self, place: f64) -> f64 {
        self.height - self.bottom - place * (self.height - self.top - self.bottom)
    }

    /// A part of it, as high as given from a place further down.
    pub(super) fn panel(&self, top: f64, height: f64) -> Self {
        Self { top, bottom: self.height - top - height, ..*self }
    }

    pub(super) fn is_narrow(&self) -> bool {
        self.width < 400.0
    }

    /// Lines across at these heights.
    pub(super) fn rows(&self, ticks: &[Tick]) -> Markup {
        html! {
            @for tick in ticks {
                @let y = self.y(tick.place);
                line.grid x1=(px(self.x(0.0))) x2=(px(self.x(1.0))) y1=(px(y)) y2=(px(y)) {}
                text.tick x=(px(self.left - 8.0)) y=(px(y + 4.0)) text-anchor="end" { (tick.label) }
            }
        }
    }

    /// Labels along the bottom, as many as there is room for, and a word on what they are.
    pub(super) fn columns(&self, ticks: &[Tick], title: &str) -> Markup {
        let bottom = self.y(0.0);
        html! {
            @for (tick, x) in self.with_room(ticks) {
                @let at = self.x(tick.place);
                line.grid x1=(px(at)) x2=(px(at)) y1=(px(bottom)) y2=(px(bottom + 5.0)) {}
                text.tick x=(px(x)) y=(px(bottom + 18.0)) text-anchor="middle" { (tick.label) }
            }
            text.axis x=(px((self.x(0.0) + self.x(1.0)) / 2.0)) y=(px(bottom + 37.0)) text-anchor="middle" { (title) }
        }
    }

    /// Those ticks whose labels do not touch, in the order that they were given, and where the labels are centred.
    fn with_room<'a>(&self, ticks: &'a [Tick]) -> Vec<(&'a Tick, f64)> {
        /// Of a letter, about.
        const LETTER: f64 = 6.8;
        const APART: f64 = 8.0;
        let mut shown: Vec<(&Tick, f64)> = Vec::new();
        for tick in ticks {
            let half = |tick: &Tick| tick.label.chars().count() as f64 * LETTER / 2.0;
            // The outermost stay inside of the picture.
            let x = self.x(tick.place).min(self.width - half(tick));
            if shown.iter().all(|(other, at)| (at - x).abs() >= half(other) + half(tick) + APART) {
                shown.push((tick, x));
            }
        }
        shown
    }

    /// A line through points that are given by their places; it breaks where there is none.
    pub(super) fn path(&self, points: impl IntoIterator<Item = Option<(f64, f64)>>) -> String {
        let (mut path, mut drawing) = (String::new(), false);
        for point in points {
            if let Some((x, y)) = point {
                let command = if drawing { 'L' } else { 'M' };
                path.push_str(&format!("{command}{} {}", px(self.x(x)), px(self.y(y))));
            }
            drawing = point.is_some();
        }
        path
    }

    /// A place to point at: a band of the chart's full height, and what is to be read there.
    pub(super) fn band(&self, from: f64, to: f64, reading: &str) -> Markup {
        let (x, width) = (self.x(from), self.x(to) - self.x(from));
        let (y, height) = (self.y(1.0), self.y(0.0) - self.y(1.0));
        hit(x, y, width, height, reading)
    }

    /// The same across.
    pub(super) fn slice(&self, from: f64, to: f64, reading: &str) -> Markup {
        let (x, width) = (self.x(0.0), self.x(1.0) - self.x(0.0));
        let (y, height) = (self.y(to), self.y(from) - self.y(to));
        hit(x, y, width, height, reading)
    }

    /// The picture around what was drawn.
    pub(super) fn svg(&self, class: &str, label: &str, content: &Markup) -> Markup {
        html! {
            svg.chart.(class) viewBox={ "0 0 " (px(self.width)) " " (px(self.height)) } role="img" aria-label=(label) {
                title { (label) }
                (content)
            }
        }
    }
}

impl Tick {
    /// The ticks of an axis.
    pub(super) fn along(scale: Scale, about: usize, label: impl Fn(f64) -> String) -> Vec<Self> {
        scale
            .ticks(about)
            .into_iter()
            .map(|tick| Self { place: scale.place(tick), label: label(tick) })
            .collect()
    }
}

/// A chart with its heading, its key and a line for what is pointed at.
pub(super) fn card(title: &str, about: &str, keys: &[Key], pictures: &Markup) -> Markup {
    html! {
        figure.card {
            figcaption {
                h2 { (title) }
                p { (about) }
            }
            @if !keys.is_empty() {
                ul.keys {
                    @for key in keys {
                        li {
                            svg viewBox="0 0 26 8" width="26" height="8" aria-hidden="true" {
                                line.series.(key.class) x1="1" x2="25" y1="4" y2="4" {}
                            }
                            (key.label)
                        }
                    }
                }
            }
            (pictures)
            p.readout aria-hidden="true" {}
        }
    }
}

/// A length in a picture: a tenth is as fine as anything shows.
pub(super) fn px(length: f64) -> String {
    format!("{length:.1}")
}

fn hit(x: f64, y: f64, width: f64, height: f64, reading: &str) -> Markup {
    html! {
        rect.hit x=(px(x)) y=(px(y)) width=(px(width)) height=(px(height)) { title { (reading) } }
    }
}
