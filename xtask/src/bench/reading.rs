//! What a report of the load tester says, as figures.

use serde_json::Value;

use super::figures::{Figures, Name};

const NANOS_PER_MICRO: f64 = 1e3;
const NANOS_PER_MILLI: f64 = 1e6;
const MICROS_PER_SECOND: f64 = 1e6;

/// Of `sse-loadgen run` and `storm`.
pub(super) fn of_run(report: &Value) -> Figures {
    let at = |pointer: &str| number(report, pointer);
    let mut figures = Figures::default();
    let micros = |pointer: &str| at(pointer).map(|nanos| nanos / NANOS_PER_MICRO);
    let millis = |pointer: &str| at(pointer).map(|nanos| nanos / NANOS_PER_MILLI);
    // Without an event there is no latency either, but there is a number for it.
    if at("/delivery/received").is_some_and(|received| received > 0.0) {
        figures.set(Name::Deliveries, at("/throughput/events_per_s"));
        figures.set(Name::Cpu, micros("/server/cpu_ns_per_delivery"));
        figures.set(Name::CpuUser, micros("/server/cpu_user_ns_per_delivery"));
        figures.set(Name::CpuSystem, micros("/server/cpu_system_ns_per_delivery"));
        figures.set(Name::P50, millis("/latency/delivery/p/50"));
        figures.set(Name::P99, millis("/latency/delivery/p/99"));
        figures.set(Name::Max, millis("/latency/delivery/max"));
        figures.set(Name::Completion, millis("/fanout/completion/100/time/p/99"));
        figures.set(Name::Ack, millis("/latency/publish_ack/p/99"));
        figures.set(Name::Lost, missed(report, ["/delivery/lost", "/delivery/announced"]));
        figures.set(Name::Duplicated, at("/delivery/duplicated"));
    }
    figures
        .set(Name::Recovery50, scenario(report, "storm.recovery.p50").map(|nanos| nanos / NANOS_PER_MILLI));
    figures
        .set(Name::Recovery99, scenario(report, "storm.recovery.p99").map(|nanos| nanos / NANOS_PER_MILLI));
    figures.set(Name::ConnectCpu, micros("/server/cpu_ns_per_connection"));
    figures.set(Name::ConnectRate, connect_rate(report));
    figures.set(Name::Memory, at("/server/memory_per_client"));
    figures.set(Name::KernelMemory, at("/server/kernel_per_client"));
    figures.set(Name::PeakRss, at("/server/rss_peak_bytes"));
    figures.verdict = text(report, "/client_health/verdict");
    figures
}

/// Of `sse-loadgen flood`.
pub(super) fn of_flood(report: &Value) -> Figures {
    let at = |pointer: &str| number(report, pointer);
    let measured = at("/measured").filter(|measured| *measured > 0.0);
    let per_delivery = |pointer: &str| Some(at(pointer)? / measured? * MICROS_PER_SECOND);
    let millis = |pointer: &str| at(pointer).map(|nanos| nanos / NANOS_PER_MILLI);
    let mut figures = Figures::judged(text(report, "/tester/verdict"));
    figures.set(Name::Deliveries, at("/deliveries_per_second"));
    figures.set(Name::Cpu, at("/server/cpu_us_per_delivery"));
    figures.set(Name::CpuUser, per_delivery("/server/cpu_user_s"));
    figures.set(Name::CpuSystem, per_delivery("/server/cpu_system_s"));
    figures.set(Name::P50, millis("/latency_ns/p50"));
    figures.set(Name::P99, millis("/latency_ns/p99"));
    figures.set(Name::Max, millis("/latency_ns/max"));
    figures.set(Name::Ack, millis("/publish_ack_ns/p99"));
    figures.set(Name::PeakRss, at("/server/rss_peak"));
    figures.set(Name::Lost, missed(report, ["/lost", "/announced"]));
    figures.set(Name::Duplicated, at("/duplicated"));
    figures
}

/// Why a flood is none: the server took only a part of it.
pub(super) fn flood_broken(report: &Value, clients: u32) -> Option<String> {
    if let Some(error) = text(report, "/publish_error") {
        return Some(format!("publishing was given up: {error}"));
    }
    let open = number(report, "/clients")?;
    (open < f64::from(clients)).then(|| format!("{open:.0} of {clients} clients had a stream"))
}

/// Clients a second, until the last of all had its stream.
fn connect_rate(report: &Value) -> Option<f64> {
    let nanos = number(report, "/latency/connect_planned/max").filter(|nanos| *nanos > 0.0)?;
    Some(ready(report)? / (nanos / 1e9))
}

/// Clients that came and have a stream.
pub(super) fn ready(report: &Value) -> Option<f64> {
    number(report, "/connections/ready")
}

/// Events that were to be published and were refused, or of which nobody knows.
pub(super) fn unpublished(report: &Value) -> f64 {
    ["/publish/rejected", "/publish/unknown"].iter().filter_map(|pointer| number(report, pointer)).sum()
}

/// Without a word, and with one: a subscriber has not got it either way.
fn missed(report: &Value, pointers: [&str; 2]) -> Option<f64> {
    let [silently, announced] = pointers.map(|pointer| number(report, pointer));
    Some(silently? + announced.unwrap_or_default())
}

fn scenario(report: &Value, name: &str) -> Option<f64> {
    let figures = report.pointer("/scenario")?.as_array()?;
    figures.iter().find(|figure| figure["name"] == name)?["value"].as_f64()
}

fn number(report: &Value, pointer: &str) -> Option<f64> {
    report.pointer(pointer)?.as_f64()
}

fn text(report: &Value, pointer: &str) -> Option<String> {
    report.pointer(pointer)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_is_read() {
        let report = json!({
            "connections": { "ready": 100 },
            "delivery": { "received": 1200, "measured": 1000, "lost": 3, "announced": 1, "duplicated": 0 },
            "latency": {
                "delivery": { "max": 9_000_000, "p": { "50": 1_000_000, "99": 8_500_000 } },
                "publish_ack": { "p": { "99": 400_000 } },
                "connect_planned": { "max": 500_000_000 },
            },
            "fanout": { "completion": { "100": { "time": { "p": { "99": 8_800_000 } } } } },
            "server": { "cpu_ns_per_delivery": 6300.0, "cpu_user_ns_per_delivery": 1000.0, "memory_per_client": 276.5 },
            "throughput": { "events_per_s": 50_000.0 },
            "publish": { "rejected": 1, "unknown": 2 },
            "scenario": [{ "name": "storm.recovery.p99", "value": 5e9 }],
            "client_health": { "verdict": "ok" },
        });
        let figures = of_run(&report);

        for (name, value) in [
            (Name::Cpu, 6.3),
            (Name::CpuUser, 1.0),
            (Name::P99, 8.5),
            (Name::Completion, 8.8),
            (Name::Ack, 0.4),
            (Name::Lost, 4.0),
            (Name::Memory, 276.5),
            (Name::ConnectRate, 200.0),
            (Name::Recovery99, 5_000.0),
        ] {
            assert_eq!(figures.value(name), Some(value), "{name:?}");
        }
        assert_eq!(figures.value(Name::PeakRss), None);
        assert_eq!(figures.verdict.as_deref(), Some("ok"));
        assert_eq!(unpublished(&report), 3.0);
    }

    #[test]
    fn where_nothing_was_delivered_nothing_was_lost_in_no_time() {
        let report =
            json!({ "delivery": { "received": 0, "lost": 0 }, "server": { "memory_per_client": 1.0 } });
        let figures = of_run(&report);

        assert_eq!((figures.value(Name::Lost), figures.value(Name::Memory)), (None, Some(1.0)));
    }

    #[test]
    fn a_flood_is_read() {
        let report = json!({
            "clients": 1000, "publish_error": null,
            "measured": 1_000_000, "lost": 1, "announced": 2, "duplicated": 0, "deliveries_per_second": 3e6,
            "latency_ns": { "p50": 1_000_000, "p99": 40_000_000, "max": 50_000_000 },
            "publish_ack_ns": { "p99": 2_000_000 },
            "server": { "cpu_us_per_delivery": 0.75, "cpu_user_s": 0.25, "cpu_system_s": 0.5, "rss_peak": 10_000_000 },
            "tester": { "verdict": "saturated" },
        });
        let figures = of_flood(&report);

        for (name, value) in
            [(Name::Cpu, 0.75), (Name::CpuUser, 0.25), (Name::P99, 40.0), (Name::Ack, 2.0), (Name::Lost, 3.0)]
        {
            assert_eq!(figures.value(name), Some(value), "{name:?}");
        }
        assert_eq!(flood_broken(&report, 1000), None);
        assert!(flood_broken(&report, 1001).is_some());
        assert!(
            flood_broken(&json!({ "publish_error": "reset" }), 1).is_some_and(|why| why.contains("reset"))
        );
        assert_eq!(figures.verdict.as_deref(), Some("saturated"));
    }
}
