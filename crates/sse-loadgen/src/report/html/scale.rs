//! Where a value stands on an axis, and which values are worth a tick.

use crate::report::units::NONE;

/// From a value to its place: 0 is the beginning of the axis, 1 its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// From nothing to a maximum.
    Linear { max: f64 },
    /// From a power of ten to another.
    Log { low: f64, high: f64 },
}

impl Scale {
    /// Up to a maximum, and on to the next tick.
    pub(super) fn linear(max: f64, about: usize) -> Self {
        let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
        let step = step(max, about);
        Self::Linear { max: (max / step).ceil() * step }
    }

    /// Whole powers of ten around all values.
    pub(super) fn log(low: f64, high: f64) -> Self {
        let low = 10_f64.powf(low.max(1.0).log10().floor());
        let high = 10_f64.powf(high.max(1.0).log10().ceil()).max(low * 10.0);
        Self::Log { low, high }
    }

    /// Where a value stands. Beyond the ends it is at the end.
    pub(super) fn place(self, value: f64) -> f64 {
        let place = match self {
            Self::Linear { max } => value / max,
            Self::Log { low, high } => (value.max(low) / low).log10() / (high / low).log10(),
        };
        place.clamp(0.0, 1.0)
    }

    /// About so many values that read well, both ends included; powers of ten on a logarithmic axis.
    pub(super) fn ticks(self, about: usize) -> Vec<f64> {
        match self {
            Self::Linear { max } => {
                let step = step(max, about);
                (0..=(max / step).round() as u32).map(|n| f64::from(n) * step).collect()
            }
            Self::Log { low, high } => {
                let powers = (high / low).log10().round() as i32;
                (0..=powers).map(|power| low * 10_f64.powi(power)).collect()
            }
        }
    }
}

/// 1, 2 or 5 times a power of ten.
fn step(max: f64, about: usize) -> f64 {
    let rough = max / about.max(1) as f64;
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|times| times * power)
        .into_iter()
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(rough)
}

/// A tick of an axis of times: all in the unit of the largest, without digits that say nothing.
pub(super) fn time_tick(nanos: f64, largest: f64) -> String {
    let (unit, name) = match largest {
        _ if largest >= 1e9 => (1e9, "s"),
        _ if largest >= 1e6 => (1e6, "ms"),
        _ => (1e3, "µs"),
    };
    if nanos == 0.0 { "0".to_owned() } else { format!("{} {name}", short(nanos / unit)) }
}

/// A tick of an axis of numbers: `20k`.
pub(super) fn number_tick(value: f64) -> String {
    match value {
        _ if value >= 1e6 => format!("{}M", short(value / 1e6)),
        _ if value >= 1e3 => format!("{}k", short(value / 1e3)),
        _ => short(value),
    }
}

/// A number without the noise of binary fractions.
fn short(value: f64) -> String {
    if value.is_finite() { ((value * 1e6).round() / 1e6).to_string() } else { NONE.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let scale = Scale::linear(61.2e6, 5);
        let ticks = scale.ticks(5);
        assert_eq!(ticks, [0.0, 2e7, 4e7, 6e7, 8e7]);
        let texts: Vec<_> = ticks.iter().map(|tick| time_tick(*tick, 8e7)).collect();
        assert_eq!(texts, ["0", "20 ms", "40 ms", "60 ms", "80 ms"]);
        assert_eq!(time_tick(0.6 * 3.0 * 1e9 / 3.0, 2e9), "0.6 s");
        assert_eq!([75_000.0, 2.5e6, 10.0].map(number_tick), ["75k", "2.5M", "10"]);
    }

    #[test]
    fn powers_of_ten_are_equally_far_apart() {
        let scale = Scale::log(3e5, 4e8);
        assert_eq!(scale, Scale::Log { low: 1e5, high: 1e9 });
        assert_eq!([1e5, 1e7, 1e9, 1e12].map(|value| scale.place(value)), [0.0, 0.5, 1.0, 1.0]);
        assert_eq!(scale.ticks(0).len(), 5);
    }

    #[test]
    fn nothing_is_a_scale_too() {
        for max in [0.0, f64::NAN, -1.0] {
            let scale = Scale::linear(max, 4);
            assert!(scale.place(0.0) == 0.0 && scale.ticks(4).len() > 1, "{scale:?}");
        }
    }
}
