//! The figures that a run of a work yields: named numbers, each with its unit. How many runs become one is for `rounds`.

use std::collections::BTreeMap;

/// What is measured. The order is that of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Deliveries,
    Cpu,
    CpuUser,
    CpuSystem,
    ConnectCpu,
    ConnectRate,
    P50,
    P99,
    Max,
    Completion,
    Ack,
    Recovery50,
    Recovery99,
    Memory,
    KernelMemory,
    PeakRss,
    Lost,
    Duplicated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Micros,
    Millis,
    Bytes,
    PerSecond,
    Count,
}

impl Name {
    pub(super) const ALL: &[Self] = &[
        Self::Deliveries,
        Self::Cpu,
        Self::CpuUser,
        Self::CpuSystem,
        Self::ConnectCpu,
        Self::ConnectRate,
        Self::P50,
        Self::P99,
        Self::Max,
        Self::Completion,
        Self::Ack,
        Self::Recovery50,
        Self::Recovery99,
        Self::Memory,
        Self::KernelMemory,
        Self::PeakRss,
        Self::Lost,
        Self::Duplicated,
    ];

    /// As the JSON has it.
    pub(super) fn key(self) -> &'static str {
        self.described().0
    }

    /// As the head of a column.
    pub(super) fn label(self) -> &'static str {
        self.described().1
    }

    pub(super) fn unit(self) -> Unit {
        self.described().2
    }

    fn described(self) -> (&'static str, &'static str, Unit) {
        match self {
            Self::Deliveries => ("deliveries_per_second", "deliveries", Unit::PerSecond),
            Self::Cpu => ("cpu_us_per_delivery", "CPU per delivery", Unit::Micros),
            Self::CpuUser => ("cpu_user_us_per_delivery", "user", Unit::Micros),
            Self::CpuSystem => ("cpu_system_us_per_delivery", "system", Unit::Micros),
            Self::ConnectCpu => ("cpu_us_per_connection", "CPU per connection", Unit::Micros),
            Self::ConnectRate => ("connections_per_second", "connections", Unit::PerSecond),
            Self::P50 => ("delivery_p50_ms", "p50", Unit::Millis),
            Self::P99 => ("delivery_p99_ms", "p99", Unit::Millis),
            Self::Max => ("delivery_max_ms", "max", Unit::Millis),
            Self::Completion => ("completion_p99_ms", "all have it, p99", Unit::Millis),
            Self::Ack => ("publish_ack_p99_ms", "publish answered, p99", Unit::Millis),
            Self::Recovery50 => ("recovery_p50_ms", "caught up, p50", Unit::Millis),
            Self::Recovery99 => ("recovery_p99_ms", "caught up, p99", Unit::Millis),
            Self::Memory => ("memory_per_connection_bytes", "memory per subscriber", Unit::Bytes),
            Self::KernelMemory => {
                ("kernel_per_connection_bytes", "the kernel's, per subscriber", Unit::Bytes)
            }
            Self::PeakRss => ("rss_peak_bytes", "peak RSS", Unit::Bytes),
            Self::Lost => ("lost", "lost", Unit::Count),
            Self::Duplicated => ("duplicated", "doubled", Unit::Count),
        }
    }
}

impl Unit {
    /// As the JSON has it.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Micros => "us",
            Self::Millis => "ms",
            Self::Bytes => "bytes",
            Self::PerSecond => "1/s",
            Self::Count => "1",
        }
    }

    /// For a reader, with three digits that count.
    pub(super) fn text(self, value: f64) -> String {
        match self {
            Self::Micros => format!("{} µs", digits(value)),
            Self::Millis => format!("{} ms", digits(value)),
            Self::Bytes if value.abs() >= MEBIBYTE => format!("{} MiB", digits(value / MEBIBYTE)),
            Self::Bytes => format!("{} KiB", digits(value / 1024.0)),
            Self::PerSecond if value >= 1e6 => format!("{} M/s", digits(value / 1e6)),
            Self::PerSecond => format!("{}/s", thousands(value)),
            Self::Count => thousands(value),
        }
    }
}

const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// What one run has yielded.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Figures {
    values: BTreeMap<Name, f64>,
    /// Of the tester, about itself: `ok`, `degraded`, `saturated`. Beyond `ok`, times are upper bounds.
    pub(super) verdict: Option<String>,
}

impl Figures {
    /// None yet, and what the tester said of itself.
    pub(super) fn judged(verdict: Option<String>) -> Self {
        Self { values: BTreeMap::new(), verdict }
    }

    pub(super) fn set(&mut self, name: Name, value: impl Into<Option<f64>>) {
        if let Some(value) = value.into().filter(|value| value.is_finite()) {
            self.values.insert(name, value);
        }
    }

    pub(super) fn value(&self, name: Name) -> Option<f64> {
        self.values.get(&name).copied()
    }
}

pub(super) fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 99.95 => thousands(value),
        size if size >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn thousands(value: f64) -> String {
    let plain = format!("{value:.0}");
    let (sign, number) = plain.strip_prefix('-').map_or(("", &*plain), |number| ("-", number));
    let mut text = sign.to_owned();
    for (at, digit) in number.char_indices() {
        if at > 0 && (number.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn units_read_well() {
        assert_eq!(Unit::Micros.text(6.314), "6.31 µs");
        assert_eq!(Unit::Millis.text(71.26), "71.3 ms");
        assert_eq!(Unit::Millis.text(1269.6), "1,270 ms");
        assert_eq!(Unit::Bytes.text(276.0), "0.27 KiB");
        assert_eq!(Unit::Bytes.text(24.0 * 1024.0), "24.0 KiB");
        assert_eq!(Unit::Bytes.text(900.0 * MEBIBYTE), "900 MiB");
        assert_eq!(Unit::PerSecond.text(3.21e6), "3.21 M/s");
        assert_eq!(Unit::PerSecond.text(98_765.4), "98,765/s");
        assert_eq!(Unit::Count.text(1_234_567.0), "1,234,567");
        assert_eq!(Unit::Count.text(-123_456.0), "-123,456");
        assert_eq!(Unit::Count.text(0.0), "0");
    }

    #[test]
    fn what_is_no_number_is_no_figure() {
        let mut figures = Figures::default();
        figures.set(Name::Cpu, f64::NAN);
        figures.set(Name::P99, None);
        assert_eq!(figures, Figures::default());
    }

    #[test]
    fn every_name_is_listed_once_with_a_key_of_its_own() {
        let keys: BTreeSet<&str> = Name::ALL.iter().map(|name| name.key()).collect();
        assert_eq!(keys.len(), Name::ALL.len());
        assert!(Name::ALL.is_sorted());
    }
}
