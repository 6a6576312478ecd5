//! How figures read: three digits and a unit, thousands apart, and never `NaN`.

const MICRO: f64 = 1e3;
const MILLI: f64 = 1e6;
const SECOND: f64 = 1e9;

/// What stands where nothing was measured.
pub(super) const NONE: &str = "–";

/// A time: `6.12 ms`.
pub(crate) fn time(nanos: u64) -> String {
    time_f(nanos as f64)
}

/// A time that is a mean or a quotient, in nanoseconds.
pub(crate) fn time_f(nanos: f64) -> String {
    if !nanos.is_finite() {
        return NONE.to_owned();
    }
    // Compared as it will be rounded: 999.7 µs reads 1.00 ms.
    match nanos {
        _ if nanos.abs() < 0.5 => "0".to_owned(),
        _ if nanos < 999.5 => format!("{nanos:.0} ns"),
        _ if nanos < 999.5 * MICRO => format!("{} µs", digits(nanos / MICRO)),
        _ if nanos < 999.5 * MILLI => format!("{} ms", digits(nanos / MILLI)),
        _ => format!("{} s", digits(nanos / SECOND)),
    }
}

/// A time if there is one.
pub(crate) fn time_or_none(nanos: Option<u64>) -> String {
    nanos.map_or_else(|| NONE.to_owned(), time)
}

/// A number of things: `2,250,000`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things with its noun: `1 client`, `3 clients`.
pub(crate) fn count_of(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A rate or another number that need not be whole: `74,985`, `2.5`.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    if value.abs() >= 999.5 {
        return format!("{}{}", if value < 0.0 { "-" } else { "" }, count(value.abs().round() as u64));
    }
    if value.fract() == 0.0 { format!("{value:.0}") } else { digits(value) }
}

/// Of 1, in percent: `0.0031 %`.
pub(crate) fn share(of_one: f64) -> String {
    let percent = of_one * 100.0;
    match percent {
        _ if !percent.is_finite() => NONE.to_owned(),
        0.0 => "0 %".to_owned(),
        _ if percent.abs() < 0.1 => format!("{percent:.4} %"),
        _ if percent.abs() < 10.0 => format!("{percent:.2} %"),
        _ => format!("{percent:.1} %"),
    }
}

/// Bytes: `15.3 KiB`.
pub(crate) fn bytes(bytes: f64) -> String {
    if !bytes.is_finite() {
        return NONE.to_owned();
    }
    let (mut value, mut unit) = (bytes, "B");
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if value.abs() < 1023.5 {
            break;
        }
        (value, unit) = (value / 1024.0, next);
    }
    if unit == "B" { format!("{value:.0} B") } else { format!("{} {unit}", digits(value)) }
}

/// Bytes where each counts: `15,678 B`.
pub(super) fn exact_bytes(bytes: f64) -> String {
    if bytes.is_finite() { format!("{} B", number(bytes.round())) } else { NONE.to_owned() }
}

/// Three of them, whatever the size.
fn digits(value: f64) -> String {
    match value.abs() {
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        let read =
            [0, 512, 1_000, 999_400, 999_700, 6_123_456, 17_940_000, 999_600_000, 75_000_000_000].map(time);
        assert_eq!(
            read,
            ["0", "512 ns", "1.00 µs", "999 µs", "1.00 ms", "6.12 ms", "17.9 ms", "1.00 s", "75.0 s"]
        );
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0, 999, 1_000, 2_250_000].map(count), ["0", "999", "1,000", "2,250,000"]);
        assert_eq!(count_of(1, "client"), "1 client");
        assert_eq!([2.5, 5.0, 74_985.4, -1_500.0].map(number), ["2.50", "5", "74,985", "-1,500"]);
    }

    #[test]
    fn shares_and_sizes_keep_what_is_small() {
        assert_eq!([0.0, 0.000_031, 0.0142, 0.982].map(share), ["0 %", "0.0031 %", "1.42 %", "98.2 %"]);
        assert_eq!(
            [0.4, 341.6, 11_700.2, -1_234.5].map(exact_bytes),
            ["0 B", "342 B", "11,700 B", "-1,235 B"]
        );
        assert_eq!([0.0, 1_000.0, 15_700.0, 6.4e8].map(bytes), ["0 B", "1000 B", "15.3 KiB", "610 MiB"]);
    }

    #[test]
    fn what_is_no_number_is_not_shown_as_one() {
        let read = [time_f(f64::NAN), number(f64::NAN), share(f64::INFINITY), bytes(f64::NAN)];
        assert!(read.iter().all(|text| text == NONE), "{read:?}");
    }
}
