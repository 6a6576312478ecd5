//! `GET /metrics`: what the server does, in Prometheus' text format.
//!
//! No label names a topic or a client: there may be any number of them. Who is slow is for [`slow`](super::slow) to say.

use std::fmt::{self, Write};

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use hdrhistogram::Histogram;
use sse_core::{Gaps, Stats};

use crate::Hub;
use crate::counters::{Count, Latency, Metric};
use crate::survey;

pub(crate) async fn metrics(hub: Data<Hub>) -> HttpResponse {
    let survey = survey::survey(&hub, 0).await;
    // Once, so that the page does not contradict itself.
    let stats = hub.broadcaster().stats();
    let mut page = Page::default();
    page.gauges(&hub, &stats, survey.found.blocked);
    page.quantiles("sse_lag_events", "Events that subscribers are behind.", &survey.found.events, 1.0);
    let help = "How long the oldest event has waited that a subscriber was not given yet.";
    page.quantiles("sse_lag_seconds", help, &survey.found.milliseconds, 1000.0);
    page.stats(&stats);
    page.counts(&hub);
    page.latency(&hub.counters().publish_to_socket());
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(page.0)
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn gauges(&mut self, hub: &Hub, stats: &Stats, blocked: usize) {
        let budget = hub.config().memory.map_or(0, |memory| memory as u64);
        for (name, help, value) in [
            ("sse_connections", "Open connections.", hub.connections() as u64),
            ("sse_subscribers", "Open subscriptions.", stats.subscribers as u64),
            ("sse_blocked_subscribers", "Subscribers who do not take what they are sent.", blocked as u64),
            ("sse_topics", "Topics that exist.", stats.topics as u64),
            ("sse_retained_bytes", "Bytes of events that all topics retain.", stats.retained_bytes),
            ("sse_memory_bytes", "Bytes that all topics take.", stats.held_bytes),
            ("sse_memory_budget_bytes", "Bytes that all topics together may take; 0 is no limit.", budget),
            ("sse_body_bytes", "Bytes of bodies that are still coming in.", hub.bodies().held() as u64),
            ("sse_draining", "1 while the server drains.", u64::from(hub.is_draining())),
        ] {
            self.head(name, "gauge", help);
            self.line(name, "", value);
        }
    }

    fn stats(&mut self, stats: &Stats) {
        for (name, help, value) in [
            ("sse_events_published_total", "Events published.", stats.published),
            ("sse_events_delivered_total", "Events given to subscribers' connections.", stats.delivered),
            ("sse_runs_delivered_total", "Pieces in which they were given.", stats.runs),
            (
                "sse_events_shed_total",
                "Events let go of early, to keep within the memory budget.",
                stats.shed,
            ),
        ] {
            self.head(name, "counter", help);
            self.line(name, "", value);
        }
        self.head("sse_gaps_total", "counter", "Gaps announced to subscribers.");
        let Gaps { expired, restart, slow, unknown, .. } = stats.gaps;
        for (reason, count) in
            [("expired", expired), ("restart", restart), ("slow", slow), ("unknown", unknown)]
        {
            self.line("sse_gaps_total", &label("reason", reason), count);
        }
    }

    fn counts(&mut self, hub: &Hub) {
        let mut last = "";
        for what in Count::ALL {
            let Metric { name, label: labelled, help } = what.metric();
            if name != last {
                self.head(name, "counter", help);
                last = name;
            }
            let label = labelled.map_or_else(String::new, |(key, value)| label(key, value));
            self.line(name, &label, hub.counters().count(what));
        }
    }

    /// As gauges, since a quantile of what is there now is no summary of what has been.
    fn quantiles(&mut self, name: &str, help: &str, histogram: &Histogram<u64>, divisor: f64) {
        self.head(name, "gauge", help);
        for (quantile, text) in [(0.5, "0.5"), (0.9, "0.9"), (0.99, "0.99"), (1.0, "1")] {
            let value = histogram.value_at_quantile(quantile) as f64 / divisor;
            self.line(name, &label("quantile", text), value);
        }
    }

    fn latency(&mut self, latency: &Latency) {
        let name = "sse_publish_to_socket_seconds";
        self.head(
            name,
            "histogram",
            "From an event's publication to when the kernel has it, or over HTTP/2 the buffer in front of it, for each \
             write.",
        );
        let bucket = format!("{name}_bucket");
        for (bound, count) in latency.cumulative() {
            self.line(&bucket, &label("le", &bound.as_secs_f64().to_string()), count);
        }
        self.line(&bucket, &label("le", "+Inf"), latency.count());
        self.line(&format!("{name}_sum"), "", latency.sum().as_secs_f64());
        self.line(&format!("{name}_count"), "", latency.count());
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn line(&mut self, name: &str, label: &str, value: impl fmt::Display) {
        self.write(format_args!("{name}{label} {value}\n"));
    }

    fn write(&mut self, line: fmt::Arguments<'_>) {
        self.0.write_fmt(line).expect("a String takes every write");
    }
}

fn label(key: &str, value: &str) -> String {
    format!("{{{key}=\"{value}\"}}")
}
