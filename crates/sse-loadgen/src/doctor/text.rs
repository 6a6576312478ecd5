//! A diagnosis as lines: one for each limit, and below it the line that fixes it.

use std::fmt::Write;

use super::{Check, Diagnosis, Verdict};

pub(super) fn render(diagnosis: &Diagnosis) -> String {
    let verdicts: Vec<_> = diagnosis.checks.iter().map(verdict).collect();
    let width = verdicts.iter().map(String::len).max().unwrap_or_default();
    let name_width = diagnosis.checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (check, verdict) in diagnosis.checks.iter().zip(&verdicts) {
        line(&mut text, format_args!("{verdict:width$}  {:name_width$}  {}", check.name, check.said));
        if let Some(fix) = &check.fix {
            line(&mut text, format_args!("{:width$}  {:name_width$}  fix: {fix}", "", ""));
        }
    }
    line(&mut text, format_args!("{}", conclusion(diagnosis)));
    text
}

fn verdict(check: &Check) -> String {
    match check.verdict {
        Verdict::Ok => "ok".to_owned(),
        Verdict::TooLow => "too low".to_owned(),
        Verdict::LimitsTo(clients) => format!("limits to {}", thousands(clients)),
    }
}

fn conclusion(diagnosis: &Diagnosis) -> String {
    let clients = thousands(diagnosis.clients.into());
    if diagnosis.possible {
        return format!("{clients} clients are possible on this machine.");
    }
    let most = diagnosis.checks.iter().filter_map(|check| match check.verdict {
        Verdict::LimitsTo(clients) => Some(clients),
        Verdict::Ok | Verdict::TooLow => None,
    });
    let most = thousands(most.min().unwrap_or_default());
    format!("{clients} clients are not possible on this machine as it stands: at most {most} are.")
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a String takes every write");
}

/// Digits in groups of three: `1,234,567`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Bytes in the unit that leaves one to four digits.
pub(super) fn bytes(number: u64) -> String {
    match number {
        0..10_240 => format!("{number} bytes"),
        10_240..10_485_760 => format!("{} KiB", number >> 10),
        10_485_760..10_737_418_240 => format!("{} MiB", number >> 20),
        _ => format!("{:.1} GiB", number as f64 / f64::from(1 << 30)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), text);
        }
        for (number, text) in
            [(96, "96 bytes"), (20 << 10, "20 KiB"), (300 << 20, "300 MiB"), (24 << 30, "24.0 GiB")]
        {
            assert_eq!(bytes(number), text);
        }
    }
}
