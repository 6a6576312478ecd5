//! The value of a condition: a number and a unit that goes with the figure.

use super::{GateError, Kind};

/// In nanoseconds.
const TIMES: [(&str, f64); 6] = [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9)];
const SIZES: [(&str, f64); 4] = [("B", 1.0), ("KiB", 1024.0), ("MiB", 1_048_576.0), ("GiB", 1_073_741_824.0)];

/// A value in the unit that the metric has, and what it counts: of a figure that does not say, as the unit says.
pub(super) fn parse_value(name: &str, kind: Kind, text: &str) -> Result<(f64, Kind), GateError> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || "._+-eE".contains(c))).unwrap_or(text.len());
    let (number, unit) = (text[..end].replace('_', ""), text[end..].trim());
    let parsed = number.parse::<f64>().ok().filter(|value| value.is_finite());
    let value = parsed.ok_or_else(|| GateError::Value(text.to_owned()))?;
    let time = TIMES.iter().find(|(known, _)| *known == unit).map(|(_, nanos)| value * nanos);
    let size = SIZES.iter().find(|(known, _)| *known == unit).map(|(_, bytes)| value * bytes);
    let percent = (unit == "%").then_some(value / 100.0);
    let plain = unit.is_empty().then_some(value);
    let millis = time.map(|nanos| nanos / 1e6);
    // No time is the same in every unit; any other without one is a guess between µs, ms and s.
    let nought = plain.filter(|value| *value == 0.0);
    let of_one = plain.filter(|value| *value <= 1.0);
    let (accepted, expected) = match kind {
        Kind::Bytes => (plain.or(size), "it is a size, as in 64KiB or 65536"),
        Kind::Micros => (time.map(|nanos| nanos / 1e3).or(nought), "it is a time, as in 10us"),
        Kind::Millis => (millis.or(nought), "it is a time, as in 50ms"),
        Kind::Number => (plain, "it is a number without a unit, as in 15000 or 1e6"),
        Kind::Share => (percent.or(of_one), "it is a share, as in 0.1% or 0.001"),
        Kind::Unknown => {
            (plain.or(millis).or(size).or(percent), "no such unit is known; there are ms, % and KiB")
        }
    };
    let kind = match kind {
        Kind::Unknown if time.is_some() => Kind::Millis,
        Kind::Unknown if size.is_some() => Kind::Bytes,
        Kind::Unknown if percent.is_some() => Kind::Share,
        known => known,
    };
    let refused = || GateError::Unit { name: name.to_owned(), value: text.to_owned(), expected };
    accepted.map(|value| (value, kind)).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(kind: Kind, text: &str) -> Option<f64> {
        parse_value("figure", kind, text).ok().map(|(value, _)| value)
    }

    #[test]
    fn units_are_brought_to_those_of_the_figure() {
        let millis =
            ["50ms", "50 ms", "0.05s", "50_000us", "5e4µs", "5e7ns"].map(|text| value(Kind::Millis, text));
        assert!(millis.iter().all(|value| value.is_some_and(|ms| (ms - 50.0).abs() < 1e-9)), "{millis:?}");
        assert_eq!(value(Kind::Micros, "1ms"), Some(1e3));
        assert_eq!(value(Kind::Share, "0.5%"), Some(0.005));
        assert_eq!(value(Kind::Bytes, "1.5KiB"), Some(1536.0));
        assert_eq!(value(Kind::Number, "1e6"), Some(1e6));
        assert_eq!(value(Kind::Unknown, "2s"), Some(2e3));
    }

    #[test]
    fn a_unit_of_something_else_is_refused() {
        for (kind, text) in [
            (Kind::Millis, "50"),
            (Kind::Millis, "50%"),
            (Kind::Share, "5"),
            (Kind::Share, "5ms"),
            (Kind::Bytes, "5ms"),
            (Kind::Number, "5%"),
            (Kind::Unknown, "5 apples"),
        ] {
            assert!(matches!(parse_value("x", kind, text), Err(GateError::Unit { .. })), "{kind:?} {text}");
        }
        assert_eq!(value(Kind::Millis, "0"), Some(0.0));
        let error = parse_value("delivery.p99", Kind::Millis, "50").unwrap_err();
        assert_eq!(error.to_string(), "delivery.p99 cannot be '50': it is a time, as in 50ms");
    }

    #[test]
    fn what_is_no_number_is_no_value() {
        for text in ["", "ms", "--5", "1e999", "NaN", "1.2.3ms"] {
            assert!(matches!(parse_value("x", Kind::Number, text), Err(GateError::Value(_))), "{text}");
        }
    }
}
