//! What a reader should know: rules that look at a whole summary and say what stands out, with the figures.
//!
//! A rule speaks in one sentence, and only of what the figures show. What was never measured is no finding.

mod integrity;
mod server;
mod streams;
mod trust;

use std::cmp::Reverse;

use super::summary::{Finding, Severity, Summary};

/// All findings, the worst first.
#[must_use]
pub fn findings(summary: &Summary) -> Vec<Finding> {
    let rules = integrity::RULES.iter().chain(streams::RULES).chain(trust::RULES).chain(server::RULES);
    let mut findings: Vec<_> = rules.filter_map(|rule| rule(summary)).collect();
    // Stable: of two that are as bad, the order of the rules decides.
    findings.sort_by_key(|finding| Reverse(finding.severity));
    findings
}

/// Looks for one thing.
type Rule = fn(&Summary) -> Option<Finding>;

fn error(code: &str, text: String) -> Option<Finding> {
    finding(code, Severity::Error, text)
}

fn warning(code: &str, text: String) -> Option<Finding> {
    finding(code, Severity::Warning, text)
}

fn note(code: &str, text: String) -> Option<Finding> {
    finding(code, Severity::Note, text)
}

#[allow(clippy::unnecessary_wraps, reason = "every rule ends with it")]
fn finding(code: &str, severity: Severity, text: String) -> Option<Finding> {
    Some(Finding { code: code.to_owned(), severity, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{self, distribution};
    use crate::report::summary::{Publishing, Verdict};

    const MILLI: f64 = 1e6;

    fn codes(summary: &Summary) -> Vec<String> {
        findings(summary).into_iter().map(|finding| finding.code).collect()
    }

    /// What a change to a clean run makes of it.
    fn after(change: impl FnOnce(&mut Summary)) -> Vec<Finding> {
        let mut summary = fixture::clean();
        assert_eq!(codes(&summary), ["SHARED_HOST"], "the clean run is not clean");
        summary.host.shared_with_target = false;
        change(&mut summary);
        findings(&summary)
    }

    fn only(code: &str, severity: Severity, change: impl FnOnce(&mut Summary)) -> String {
        let findings = after(change);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!((findings[0].code.as_str(), findings[0].severity), (code, severity), "{findings:?}");
        findings[0].text.clone()
    }

    #[test]
    fn faults_of_the_ledger_are_errors() {
        let text = only("LOSS", Severity::Error, |s| s.delivery.lost = 70);
        assert_eq!(text, "70 of 2,250,000 deliveries (0.0031 %) never came, and nobody said so.");
        only("DUPLICATES", Severity::Error, |s| s.delivery.duplicated = 1);
        only("REORDERED", Severity::Error, |s| s.delivery.reordered = 1);
        only("CORRUPT", Severity::Error, |s| s.delivery.corrupted = 1);
        only("SILENT_GAP", Severity::Error, |s| s.connections.resumes.gap_silent = 2);
        only("UNPARSED", Severity::Warning, |s| s.delivery.unparsed = 3);
        only("LATE", Severity::Warning, |s| s.delivery.late = 1);
        only("ANNOUNCED_GAP", Severity::Warning, |s| s.delivery.announced = 9);
    }

    #[test]
    fn silence_is_one_finding() {
        let text = only("NO_EVENTS", Severity::Error, |s| {
            (s.delivery.received, s.delivery.lost) = (0, s.delivery.expected);
            s.throughput.events_per_s = 0.0;
            s.throughput.windows.clear();
            s.latency.retain(|name, _| name == "publish_slip");
            s.order_bias.clear();
        });
        assert!(text.contains("150 events were accepted"), "{text}");
    }

    #[test]
    fn clients_without_a_stream_are_noticed() {
        let text = only("NOT_ALL_READY", Severity::Warning, |s| {
            s.connections.ready -= 100;
            s.connections.errors = [("timeout".to_owned(), 40), ("refused".to_owned(), 160)].into();
        });
        assert_eq!(
            text,
            "14,900 of 15,000 clients had a stream when measuring began (refused 160, timeout 40)."
        );
        only("STREAMS_END_AT_ONCE", Severity::Warning, |s| {
            (s.connections.opened, s.connections.reconnects) = (45_000, 30_000);
            s.connections.closed = [("end".to_owned(), 30_000)].into();
        });
    }

    #[test]
    fn who_connected_first_may_not_be_served_first() {
        let text = only("ORDER_BIAS", Severity::Warning, |s| {
            (s.order_bias[0].p50, s.order_bias[9].p50) = (1_900_000, 29_600_000);
        });
        assert!(
            text.starts_with("The newest tenth of the clients waits 29.6 ms for the median event"),
            "{text}"
        );
        let reverse = only("ORDER_BIAS", Severity::Warning, |s| {
            (s.order_bias[0].p50, s.order_bias[9].p50) = (29_600_000, 1_900_000);
        });
        assert!(reverse.starts_with("The oldest tenth"), "{reverse}");
        let small = after(|s| (s.order_bias[0].p50, s.order_bias[9].p50) = (100_000, 900_000));
        assert!(small.is_empty(), "less than a millisecond is nothing: {small:?}");
    }

    #[test]
    fn what_comes_in_bursts_was_held_back() {
        only("BUFFERING", Severity::Warning, |s| {
            // Ten events at once, then nothing for two seconds: ten times the period.
            let gaps = (0..1_000).map(|n| if n % 10 == 0 { 2_000_000_000 } else { 20_000 });
            s.latency.insert("gap".to_owned(), fixture::recorded(gaps));
        });
        only("BUFFERING", Severity::Warning, |s| {
            s.latency.insert("first_event".to_owned(), distribution(15_000, 20_000.0 * MILLI, 0.01));
        });
    }

    #[test]
    fn what_the_tester_itself_did_is_said() {
        let text = only("MEASURING_THE_CLIENT", Severity::Warning, |s| {
            s.fanout.as_mut().unwrap().drain_floor_ns = 14_000_000;
            s.latency.remove("delivery_wire");
        });
        assert!(text.contains("14.0 ms"), "{text}");
        // The kernel's times say that reading kept pace with the server.
        let findings = after(|s| s.fanout.as_mut().unwrap().drain_floor_ns = 14_000_000);
        assert!(findings.is_empty(), "{findings:?}");
        only("PUBLISHER_LATE", Severity::Warning, |s| {
            s.latency.insert("publish_slip".to_owned(), distribution(150, 4.0 * MILLI, 0.1));
        });
        only("SATURATED", Severity::Error, |s| s.client_health.verdict = Verdict::Saturated);
        only("DEGRADED", Severity::Warning, |s| s.client_health.verdict = Verdict::Degraded);
        only("INTERRUPTED", Severity::Note, |s| s.run.interrupted = true);
    }

    #[test]
    fn what_the_server_did_not_take_or_not_give_back_is_said() {
        only("PUBLISH_REJECTED", Severity::Warning, |s| s.publish.as_mut().unwrap().rejected = 3);
        only("PUBLISH_UNKNOWN", Severity::Warning, |s| s.publish.as_mut().unwrap().unknown = 3);
        let text = only("LEAK", Severity::Warning, |s| s.server.as_mut().unwrap().descriptors_after = 500);
        assert!(text.contains("471 more"), "{text}");
    }

    #[test]
    fn the_worst_comes_first_and_nothing_says_nothing() {
        let severities: Vec<_> = fixture::lossy().findings.iter().map(|finding| finding.severity).collect();
        assert!(severities.len() > 4 && severities.is_sorted_by(|a, b| a >= b), "{severities:?}");
        assert!(findings(&Summary::default()).is_empty());
        let silent = Summary { publish: Some(Publishing::default()), ..Summary::default() };
        assert!(findings(&silent).is_empty());
    }
}
